import { describe, expect, test } from '@jest/globals';
import { planProbes } from '../../../../src/injection/plan/probes.ts';
import { resolveBase } from '../../../../src/settings/effective.ts';
import type { JsonObject } from '../../../../src/json/json.ts';
import { readPodSettings } from '../../../../src/settings/pod-settings.ts';
import { snapshotOf } from '../../../support/builders/snapshots.ts';

const base = resolveBase(snapshotOf().settings, undefined);
const ports = [{ name: 'http', containerPort: 8080 }];

function plan(fields: JsonObject, annotations: JsonObject = {}, recorded: JsonObject = {}) {
  const { effective } = readPodSettings({ annotations, labels: undefined }, base, []);
  const container = { name: 'web', ports, ...fields };
  return planProbes([{ list: 'containers', index: 2, name: 'web', raw: container }], effective, recorded, new Set());
}

const http = (port: unknown, more: JsonObject = {}): JsonObject => ({
  httpGet: { path: '/x', port, ...more } as JsonObject,
});

describe('a probe is redirected exactly when its port is captured', () => {
  test.each<[string, JsonObject, JsonObject, boolean]>([
    ['everything is captured', http(8080), {}, true],
    ['the port is included', http(8080), { 'traffic.sidecar.istio.io/includeInboundPorts': '8080' }, true],
    ['the port is within a range', http(8080), { 'traffic.sidecar.istio.io/includeInboundPorts': '8000-9000' }, true],
    ['another port is included', http(8080), { 'traffic.sidecar.istio.io/includeInboundPorts': '80' }, false],
    ['nothing is captured inbound', http(8080), { 'traffic.sidecar.istio.io/includeInboundPorts': '' }, false],
    ['the port is excluded', http(8080), { 'traffic.sidecar.istio.io/excludeInboundPorts': '8080' }, false],
    ['no interception', http(8080), { 'sidecar.istio.io/interceptionMode': 'NONE' }, false],
    ["the proxy's health port", http(15_021), {}, false],
    ['the status port', http(15_020), {}, false],
    ["a mesh's tunnel port", http(15_008), {}, false],
    ['a host of its own', http(8080, { host: '10.0.0.1' }), {}, false],
    ['an empty host', http(8080, { host: '' }), {}, true],
    ['two actions at once', { ...http(8080), tcpSocket: { port: 8080 } }, {}, false],
    ['exec', { exec: { command: ['true'] } }, {}, false],
  ])('%s', (_name, readinessProbe, annotations, redirected) => {
    const found = plan({ readinessProbe }, annotations);
    expect([found.redirects.length, found.edits.length]).toEqual(redirected ? [1, 1] : [0, 0]);
    expect(found.exclude).toEqual([]);
  });

  test('without rewriting the captured ports are excluded instead, each once', () => {
    const found = plan(
      { readinessProbe: http(8080), livenessProbe: http('http'), startupProbe: { tcpSocket: { port: 9000 } } },
      { 'sidecar.istio.io/rewriteAppHTTPProbers': 'false' },
    );
    expect(found).toMatchObject({ redirects: [], edits: [], exclude: [8080, 9000] });
  });
});

describe('what the proxy is asked to do', () => {
  test.each<[string, JsonObject, object]>([
    ['a path', http(8080), { type: 'http', scheme: 'HTTP', port: 8080, path: '/x' }],
    ['no path', { httpGet: { port: 8080 } }, { type: 'http', scheme: 'HTTP', port: 8080, path: '/' }],
    ['https', http(8443, { scheme: 'HTTPS' }), { type: 'http', scheme: 'HTTPS', port: 8443, path: '/x' }],
    ['a named port', http('http'), { type: 'http', scheme: 'HTTP', port: 8080, path: '/x' }],
    ['a port as text', http('8080'), { type: 'http', scheme: 'HTTP', port: 8080, path: '/x' }],
    ['a TCP connection', { tcpSocket: { port: 'http' } }, { type: 'tcp', port: 8080 }],
    ['gRPC', { grpc: { port: 9090 } }, { type: 'grpc', port: 9090 }],
    ['gRPC of a service', { grpc: { port: 9090, service: 'a.b' } }, { type: 'grpc', port: 9090, service: 'a.b' }],
  ])('%s', (_name, livenessProbe, action) => {
    expect(plan({ livenessProbe }).redirects).toEqual([
      { path: '/app-health/web/livez', container: 'web', kind: 'livez', action, timeoutSeconds: 1, periodSeconds: 10 },
    ]);
  });

  test.each([
    ['readinessProbe', '/app-health/web/readyz'],
    ['livenessProbe', '/app-health/web/livez'],
    ['startupProbe', '/app-health/web/startupz'],
  ])('%s keeps its times and headers', (field, path) => {
    const headers = [{ name: 'Host', value: 'x' }];
    const found = plan({ [field]: { ...http(8080, { httpHeaders: headers }), timeoutSeconds: 4, periodSeconds: 7 } });
    expect(found.redirects[0]).toMatchObject({ path, timeoutSeconds: 4, periodSeconds: 7 });
    expect(found.edits[0]).toMatchObject({
      field,
      key: 'httpGet',
      replacement: { path, port: 15_020, scheme: 'HTTP', httpHeaders: headers },
    });
  });

  test.each([
    ['preStop', '/app-lifecycle/web/prestopz'],
    ['postStart', '/app-lifecycle/web/poststartz'],
  ])('the hook %s too', (hook, path) => {
    const found = plan({ lifecycle: { [hook]: http(8080) } });
    // The kubelet waits for a hook for as long as the grace period allows, and knows no fields of probes there.
    expect(found.redirects[0]).toMatchObject({ path, timeoutSeconds: 0, periodSeconds: 0 });
    expect(found.edits[0]?.field).toBe(`lifecycle/${hook}`);
  });

  test.each(['preStop', 'postStart'])('a hook %s by a TCP connection, which no kubelet runs, stays', (hook) => {
    const found = plan({ lifecycle: { [hook]: { tcpSocket: { port: 8080 } } } });
    expect(found).toEqual({ redirects: [], edits: [], exclude: [], warnings: [] });
  });

  test.each(['nowhere', '99999', 0, null])('a port that is none (%j) leaves the probe alone and says so', (port) => {
    const found = plan({ readinessProbe: http(port) });
    expect(found.edits).toEqual([]);
    expect(found.warnings).toEqual([
      `container "web": readinessProbe asks port ${JSON.stringify(port)}, which the container does not declare; it stays as it is`,
    ]);
  });

  test.each([
    ['8080', ['container "web": readinessProbe asks host "10.0.0.1" and not the pod; it stays as it is']],
    ['80', []],
  ])('a host of its own is told where the port is captured (%s)', (includeInboundPorts, warnings) => {
    const annotations = { 'traffic.sidecar.istio.io/includeInboundPorts': includeInboundPorts };
    expect(plan({ readinessProbe: http(8080, { host: '10.0.0.1' }) }, annotations).warnings).toEqual(warnings);
  });

  test('a probe of an earlier injection is answered again and not edited again', () => {
    const readinessProbe = { httpGet: { path: '/app-health/web/readyz', port: 15_020, scheme: 'HTTP' } };
    const found = plan({ readinessProbe }, {}, { web: { readinessProbe: { tcpSocket: { port: 8080 } } } });
    expect(found.edits).toEqual([]);
    expect(found.redirects).toMatchObject([{ path: '/app-health/web/readyz', action: { type: 'tcp', port: 8080 } }]);
  });
});
