import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { podOfDeployment } from '../../../scripts/demo/pod.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { containerOf, decideOn, injectedPod, namesOf, podWith } from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

function proxyOf(proxy: object, more: Parameters<typeof snapshotOf>[1] = {}) {
  return containerOf(injectedPod(podWith(), snapshotOf({ proxy }, more)), 'istio-proxy');
}

function bootstrapOf(proxy: object): string {
  return (proxyOf(proxy)['args'] as string[])[1] ?? '';
}

describe('an image without a shell', () => {
  const image = 'envoyproxy/envoy:distroless-v1.40.0';
  const classic = { nativeSidecars: false };

  test('a native sidecar gets no hooks, and what is lost is said', () => {
    expect(proxyOf({ image })).not.toHaveProperty('lifecycle');
    expect(decideOn(podWith(), snapshotOf({ proxy: { image } })).warnings).toEqual([
      `sidecar-injector: proxy image "${image}" has no shell for hooks: inbound connections are not drained at its end`,
    ]);
  });

  test('a classic one outlives the application by the kubelet’s own sleep, where there is one', () => {
    expect(proxyOf({ image }, classic)['lifecycle']).toEqual({ preStop: { sleep: { seconds: expect.any(Number) } } });
    expect(proxyOf({ image }, { ...classic, sleepHook: false })).not.toHaveProperty('lifecycle');
  });

  test('a classic one cannot hold the application back, and it is said', () => {
    const hold = { image, holdApplicationUntilProxyStarts: true };
    expect(proxyOf(hold, classic)['lifecycle']).not.toHaveProperty('postStart');
    const [warning] = decideOn(podWith(), snapshotOf({ proxy: hold }, classic)).warnings;
    expect(warning).toContain('and the application does not wait for it');
  });

  test.each<[string, object]>([
    ['its own container', { spec: { containers: [{ name: 'app' }, { name: 'istio-proxy', image }] } }],
    ['an annotation', { annotations: { 'sidecar.istio.io/proxyImage': image } }],
  ])('one that a pod names by %s is no other', (_, parts) => {
    const pod = podWith(parts);
    const snapshot = snapshotOf({ proxy: { allowedImages: ['envoyproxy/*'] } });
    expect(containerOf(injectedPod(pod, snapshot), 'istio-proxy')).toMatchObject({ image });
    expect(containerOf(injectedPod(pod, snapshot), 'istio-proxy')).not.toHaveProperty('lifecycle');
    expect(decideOn(pod, snapshot).warnings).toEqual([expect.stringContaining('inbound connections are not drained')]);
  });

  test('one with a shell is not spoken of', () => {
    expect(decideOn(podWith()).warnings).toEqual([]);
  });
});

describe('what resources decide', () => {
  const limits = (limit: object) => ({ resources: { requests: {}, limits: limit } });

  test.each([
    [{ memory: '64Mi' }, 100],
    [{ memory: '128Mi' }, 315],
    [{ memory: '1Gi' }, 4_726],
    [{}, 50_000],
  ])('limits %j have room for %i connections', (limit, connections) => {
    expect(bootstrapOf(limits(limit))).toContain(`max_active_downstream_connections: ${connections}}`);
  });

  test('a setting says another number', () => {
    expect(bootstrapOf({ maxConnections: 7 })).toContain('max_active_downstream_connections: 7}');
  });

  test.each([
    [{ cpu: '100m' }, '1'],
    [{ cpu: '1500m' }, '2'],
    [{ cpu: 3 }, '3'],
    [{}, '2'],
  ])('limits %j give %s worker threads', (limit, threads) => {
    const args = proxyOf(limits(limit))['args'] as string[];
    expect(args[args.indexOf('--concurrency') + 1]).toBe(threads);
  });
});

describe('the admin interface', () => {
  test('on a port, nothing has to be mounted for it', () => {
    expect(JSON.stringify(injectedPod(podWith()))).not.toContain('istio-admin');
  });

  test('on a socket, in a volume that only the proxy mounts; the hooks ask beside it', () => {
    const pod = injectedPod(podWith(), snapshotOf({ proxy: { admin: 'socket' } }));
    expect(namesOf(pod.spec.volumes)).toContain('istio-admin');
    const mounting = [...pod.spec.initContainers, ...pod.spec.containers].filter((container) =>
      JSON.stringify(container['volumeMounts'] ?? []).includes('istio-admin'),
    );
    expect(namesOf(mounting)).toEqual(['istio-proxy']);
    expect(JSON.stringify(containerOf(pod, 'istio-proxy')['lifecycle'])).toContain('/dev/tcp/127.0.0.1/15004');
  });

  test('its port is the pod’s own when it is not taken', () => {
    const declares = (port: number) => podWith({ container: { ports: [{ containerPort: port }] } });
    const code = (port: number, proxy: object) => decideOn(declares(port), snapshotOf({ proxy })).reasons[0].code;
    expect(code(15_000, {})).toBe('PortConflict');
    expect(code(15_004, {})).toBe('PolicyEnabled');
    expect(code(15_000, { admin: 'socket' })).toBe('PolicyEnabled');
    expect(code(15_004, { admin: 'socket' })).toBe('PortConflict');
    expect(code(15_004, { quitHook: true })).toBe('PortConflict');
  });
});

test('a Job with a classic proxy is told how to end it', () => {
  const pod = podWith({ spec: { restartPolicy: 'Never' } });
  const warning = (proxy: object) => decideOn(pod, snapshotOf({ proxy }, { nativeSidecars: false })).warnings.join();
  expect(warning({})).toContain('the pod never completes; use a native sidecar');
  expect(warning({ quitHook: true })).toContain(
    'unless the application ends it by POST to 127.0.0.1:15004/quitquitquit',
  );
  expect(decideOn(pod).warnings).toEqual([]);
});

describe('tracing', () => {
  test.each([
    ['otel.observability:4317', 'otel.observability', 4317],
    ['10.1.2.3:1', '10.1.2.3', 1],
    ['[fd00::1]:65535', 'fd00::1', 65_535],
  ])('to %s', (otlpAddress, host, port) => {
    const bootstrap = parse(bootstrapOf({ tracing: { otlpAddress } }), { maxAliasCount: -1 }) as {
      static_resources: { clusters: { name: string; load_assignment: unknown }[] };
    };
    const collector = bootstrap.static_resources.clusters.find(({ name }) => name === 'tracing');
    expect(collector?.load_assignment).toMatchObject({
      endpoints: [
        { lb_endpoints: [{ endpoint: { address: { socket_address: { address: host, port_value: port } } } }] },
      ],
    });
  });

  test.each(['otel', 'otel:0', 'otel:65536', 'http://otel:4317', 'fd00::1:4317', ':4317', 'a b:1'])(
    'not to %j',
    (bad) => {
      expect(() => snapshotOf({ proxy: { tracing: { otlpAddress: bad } } })).toThrow(
        `spec.proxy.tracing.otlpAddress: ${JSON.stringify(bad)} is not allowed; allowed: host:port`,
      );
    },
  );
});

describe('the bootstrap of the demo’s pod, which every pod like it stores', () => {
  const text = readFileSync(new URL('../../../examples/httpd/httpd.yaml', import.meta.url), 'utf8');
  const deployment = parseAllDocuments(text)
    .map((document) => document.toJS() as JsonObject)
    .find(({ kind }) => kind === 'Deployment');

  test.each([
    ['with metrics', {}, 19_456],
    ['without metrics', { metrics: { istio: false } }, 14_336],
  ])('%s stays within its budget', (_, proxy, most) => {
    if (deployment === undefined) throw new Error('no Deployment in the example');
    const pod = injectedPod(podOfDeployment(deployment, 'shop'), snapshotOf({ proxy }));
    const [option, bootstrap = ''] = containerOf(pod, 'istio-proxy')['args'] as string[];
    expect(option).toBe('--config-yaml');
    expect(Buffer.byteLength(bootstrap)).toBeGreaterThan(4000);
    expect(Buffer.byteLength(bootstrap)).toBeLessThanOrEqual(most);
  });
});
