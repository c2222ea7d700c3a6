import { expect, test } from '@jest/globals';
import type { ProbeAction } from '../../src/pod/probe.ts';
import { port } from '../support/builders/capture-intent.ts';
import { argumentsOf, validateArguments } from '../support/network/envoy.ts';
import { probe, proxyIntent, type ProxyChanges } from '../support/builders/proxy-intent.ts';

const http: ProbeAction = { type: 'http', scheme: 'HTTP', port: 8080, path: '/ready' };
const https: ProbeAction = { ...http, scheme: 'HTTPS', port: 8443 };
const tcp: ProbeAction = { type: 'tcp', port: 9000 };
const grpc: ProbeAction = { type: 'grpc', port: 9001, service: 'shop.Health' };

test.each<[string, ProxyChanges]>([
  ['the default', {}],
  ['IPv4 alone', { families: ['v4'] }],
  ['IPv6 alone', { families: ['v6'] }],
  ['no status port', { statusPort: 0 }],
  ['another status port', { statusPort: 16020 }],
  ['REGISTRY_ONLY', { outboundTrafficPolicy: 'REGISTRY_ONLY' }],
  ['no access log', { accessLog: 'none' }],
  ['an access log in a file', { accessLog: 'file' }],
  ['tracing', { tracing: { host: 'collector.nowhere.invalid', port: 4317, samplingPercent: 0.5 } }],
  ['tracing to an IPv6 address', { tracing: { host: 'fd77::1', port: 1, samplingPercent: 100 } }],
  ['the admin interface on a socket', { admin: 'socket' }],
  ['a hook to quit', { quitHook: true }],
  ['a socket and a hook', { admin: 'socket', quitHook: true, families: ['v6'] }],
  ['no metrics', { metrics: { istio: false, merge: true } }],
  ['neither', { accessLog: 'none', metrics: { istio: false, merge: true } }],
  [
    'merged metrics',
    {
      metrics: { istio: false, merge: true },
      metricsTargets: [
        { scheme: 'HTTP', port: 80, path: '' },
        { scheme: 'HTTPS', port: 80, path: '/a"]}$(POD_IP) %x' },
      ],
      probes: [probe('readyz', { ...http, port: 80 })],
    },
  ],
  ['no HTTP ports', { httpPorts: [] }],
  ['one HTTP port', { httpPorts: [port(80)] }],
  ['all ports for HTTP', { httpPorts: [{ first: 0, last: 65535 }] }],
  ['ports of the pod that are for HTTP', { httpInboundPorts: [9000, 9001, 9100] }],
  ['no opaque ports', { opaquePorts: [] }],
  ['one opaque port', { opaquePorts: [port(3306)] }],
  ['all ports opaque', { opaquePorts: [{ first: 1, last: 65535 }] }],
  ['ports of the pod that are opaque', { opaqueInboundPorts: [9000, 9001, 9100] }],
  ['no detection timeout', { protocolDetectionTimeoutMs: 0 }],
  ['a long detection timeout', { protocolDetectionTimeoutMs: 60_000 }],
  ['the fewest connections', { maxConnections: 1 }],
  [
    'every kind of probe',
    {
      probes: [
        probe('readyz', http),
        probe('livez', https),
        probe('startupz', grpc),
        probe('prestopz', http, { timeoutSeconds: 0 }),
        probe('poststartz', tcp, { timeoutSeconds: 0, periodSeconds: 0 }),
      ],
    },
  ],
  ['background checks alone', { probes: [probe('livez', tcp), probe('readyz', grpc)] }],
  ['probes with IPv4 alone', { families: ['v4'], probes: [probe('livez', tcp), probe('readyz', http)] }],
  ['probes with a host', { probes: [probe('livez', { ...http, host: 'shop.example:8080' })] }],
  [
    'awkward text',
    {
      workload: 'a"}],{*x &y $(POD_IP) %DURATION% \u2028 \u{1F600}',
      service: { name: '%', revision: '%REQ(X)%', app: '\n', version: '' },
      clusterDomain: 'x: y #z',
      probes: [
        probe('livez', { ...http, path: '/a"b}\u0085$(X)?y=*z' }),
        probe('readyz', { ...grpc, service: 'it\'s \\ "$$"' }),
      ],
    },
  ],
])('Envoy accepts %s', (_, changes) => {
  expect(validateArguments(argumentsOf(proxyIntent(changes)))).toBe('');
});
