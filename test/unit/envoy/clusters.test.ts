import { describe, expect, test } from '@jest/globals';
import { applicationBinding, listenAddress } from '../../../src/envoy/addresses.ts';
import { adminCluster, captureClusters, clusterNames, originalDestination } from '../../../src/envoy/clusters.ts';
import { duration, extension, loadAssignment, socketAddress } from '../../../src/envoy/extension.ts';
import { transparentUpstream } from '../../../src/envoy/http.ts';
import { tracing, tracingClusters } from '../../../src/envoy/tracing.ts';
import { proxyIntent } from '../../support/builders/proxy-intent.ts';

test('an extension has a name and a typed configuration', () => {
  expect(extension('router', 'envoy.a.v3.Router', { x: 1 })).toEqual({
    name: 'router',
    typed_config: { '@type': 'type.googleapis.com/envoy.a.v3.Router', x: 1 },
  });
});

test.each([
  [500, '0.5s'],
  [0, '0s'],
  [60_000, '60s'],
])('%d ms are %s', (milliseconds, text) => expect(duration(milliseconds)).toBe(text));

test('a load assignment has an endpoint for each address', () => {
  const [one, two] = [socketAddress('10.0.0.1', 80), socketAddress('::1', 81, { ipv4_compat: true })];
  expect(loadAssignment('a', [one, two])).toEqual({
    cluster_name: 'a',
    endpoints: [
      {
        lb_endpoints: [
          { endpoint: { address: { socket_address: { address: '10.0.0.1', port_value: 80 } } } },
          { endpoint: { address: { socket_address: { address: '::1', port_value: 81, ipv4_compat: true } } } },
        ],
      },
    ],
  });
});

describe('by families of the pod', () => {
  const [v4, v6] = [
    { address: '127.0.0.6', port_value: 0 },
    { address: '::6', port_value: 0 },
  ];

  test.each([
    [['v4', 'v6'], '::', true, { source_address: v4, extra_source_addresses: [{ address: v6 }] }],
    [['v4'], '0.0.0.0', false, { source_address: v4 }],
    [['v6'], '::', true, { source_address: v6 }],
  ] as const)('%j', (families, address, ipv4_compat, binding) => {
    expect(listenAddress(15_001, families)).toEqual({
      socket_address: { address, port_value: 15_001, ipv4_compat },
    });
    expect(applicationBinding(families)).toEqual(binding);
  });
});

test('an original destination is dialled without limits, from where its binding says', () => {
  expect(originalDestination('a', { source_address: {} })).toMatchObject({
    name: 'a',
    type: 'ORIGINAL_DST',
    lb_policy: 'CLUSTER_PROVIDED',
    connection_pool_per_downstream_connection: true,
    circuit_breakers: { thresholds: [{ max_connections: 4_294_967_295, max_retries: 4_294_967_295 }] },
    typed_extension_protocol_options: transparentUpstream,
    upstream_bind_config: { source_address: {} },
  });
  expect(originalDestination('a', undefined)['upstream_bind_config']).toBeUndefined();
});

test('captured traffic has a cluster each way, and one that leads nowhere', () => {
  const [out, inbound, hole] = captureClusters(proxyIntent({ families: ['v4'] }));
  expect([out?.['name'], inbound?.['name']]).toEqual([clusterNames.passthrough, clusterNames.inbound]);
  expect(out?.['upstream_bind_config']).toBeUndefined();
  expect(inbound?.['upstream_bind_config']).toEqual(applicationBinding(['v4']));
  expect(hole).toEqual({ name: 'BlackHoleCluster' });
});

test.each([
  ['port', { socket_address: { address: '127.0.0.1', port_value: 15_000 } }],
  ['socket', { pipe: { path: '/var/run/istio-proxy/admin.sock', mode: 0o600 } }],
] as const)('the admin interface on a %s', (admin, address) => {
  expect(adminCluster({ admin })).toEqual({ name: 'admin', load_assignment: loadAssignment('admin', [address]) });
});

describe('tracing', () => {
  const self = { address: '10.0.0.1', name: 'web-1', namespace: 'shop' };

  test('is left out unless it is asked for', () => {
    expect([tracing(proxyIntent()), tracingClusters(proxyIntent())]).toEqual([undefined, []]);
  });

  test('sends spans to the collector under the name of the workload', () => {
    const intent = { ...proxyIntent({ tracing: { host: 'otel', port: 4317, samplingPercent: 2.5 } }), self };
    expect(tracing(intent)).toMatchObject({
      provider: {
        typed_config: { service_name: 'web.shop', grpc_service: { envoy_grpc: { cluster_name: 'tracing' } } },
      },
      random_sampling: { value: 2.5 },
    });
    expect(tracingClusters(intent)).toMatchObject([
      {
        name: 'tracing',
        type: 'STRICT_DNS',
        wait_for_warm_on_init: false,
        load_assignment: loadAssignment('tracing', [socketAddress('otel', 4317)]),
      },
    ]);
  });
});
