import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { renderBootstrap } from '../../../src/envoy/bootstrap.ts';
import type { ProbeAction, ProbeRedirect } from '../../../src/pod/probe.ts';
import { expandLikeKubelet } from '../../support/models/kubelet-expansion.ts';
import { probe, proxyIntent } from '../../support/builders/proxy-intent.ts';

type Any = Record<string, unknown>;

interface Status {
  readonly routes: readonly Any[];
  readonly filters: readonly Any[];
  readonly clusters: readonly Any[];
}

function status(...probes: ProbeRedirect[]): Status {
  const text = expandLikeKubelet(renderBootstrap(proxyIntent({ probes })), { POD_IP: 'fd00::7' });
  const { listeners, clusters } = (parse(text, { maxAliasCount: -1 }) as Any)['static_resources'] as Record<
    string,
    Any[]
  >;
  const listener = listeners?.find((one) => one['name'] === 'status') as {
    filter_chains: [
      { filters: [{ typed_config: { http_filters: Any[]; route_config: { virtual_hosts: [{ routes: Any[] }] } } }] },
    ];
  };
  const http = listener.filter_chains[0].filters[0].typed_config;
  return {
    routes: http.route_config.virtual_hosts[0].routes,
    filters: http.http_filters,
    clusters: (clusters ?? []).filter((one) => String(one['name']).startsWith('probe.')),
  };
}

const http: ProbeAction = { type: 'http', scheme: 'HTTP', port: 8080, path: '/ready?full=1' };

describe('httpGet', () => {
  test('is passed on to the application, from the address that the rules let pass', () => {
    const { routes, clusters } = status(probe('readyz', http, { timeoutSeconds: 3 }));
    expect(routes).toContainEqual({
      match: {
        path: '/app-health/web/readyz',
        headers: [
          { name: ':method', string_match: { exact: 'GET' } },
          { name: ':path', string_match: { exact: '/app-health/web/readyz' } },
        ],
      },
      route: { cluster: 'probe.http.8080', prefix_rewrite: '/ready?full=1', timeout: '3s', idle_timeout: '3s' },
      typed_per_filter_config: {
        lua: {
          '@type': 't/envoy.extensions.filters.http.lua.v3.LuaPerRoute',
          name: 'probe',
          filter_context: { url: 'http://fd00::7:8080/ready?full=1', ms: 3000 },
        },
      },
    });
    expect(clusters.map((one) => one['name'])).toEqual(['probe.http.8080', 'probe.http', 'probe.https']);
    expect(clusters[0]).toMatchObject({
      load_assignment: {
        endpoints: [
          { lb_endpoints: [{ endpoint: { address: { socket_address: { address: 'fd00::7', port_value: 8080 } } } }] },
        ],
      },
      upstream_bind_config: { source_address: { address: '127.0.0.6' } },
    });
  });

  test.each<[string, ProbeAction, Any]>([
    ['a host', { ...http, host: 'shop.example' }, { host_rewrite_literal: 'shop.example' }],
    ['a path that Kubernetes would expand', { ...http, path: '/a$(POD_IP)$$' }, { prefix_rewrite: '/a$(POD_IP)$$' }],
  ])('with %s', (_, action, expected) => {
    expect(status(probe('readyz', action)).routes.at(-1)?.['route']).toMatchObject(expected);
  });

  test('a lifecycle hook without a limit has no timeout', () => {
    const { routes } = status(probe('prestopz', http, { timeoutSeconds: 0 }));
    expect(routes.at(-1)).toMatchObject({
      match: { path: '/app-lifecycle/web/prestopz' },
      route: { timeout: '0s', idle_timeout: '0s' },
      typed_per_filter_config: { lua: { filter_context: { hook: 'no response', ms: 0 } } },
    });
  });

  test('over https nothing is verified and any TLS version is taken', () => {
    const { clusters } = status(probe('livez', { ...http, scheme: 'HTTPS', port: 8443 }));
    expect(clusters[0]).toMatchObject({
      name: 'probe.https.8443',
      transport_socket: {
        typed_config: { common_tls_context: { tls_params: { tls_maximum_protocol_version: 'TLSv1_3' } } },
      },
    });
  });

  test('ports and schemes have clusters of their own', () => {
    const { clusters } = status(
      probe('readyz', http),
      probe('livez', { ...http, scheme: 'HTTPS' }),
      probe('startupz', { ...http, port: 9 }),
      probe('prestopz', http),
    );
    expect(clusters.map((one) => one['name'])).toEqual([
      'probe.http.8080',
      'probe.https.8080',
      'probe.http.9',
      'probe.http',
      'probe.https',
    ]);
  });
});

describe.each<[string, ProbeAction, Any]>([
  ['tcpSocket', { type: 'tcp', port: 9000 }, { tcp_health_check: {} }],
  ['grpc', { type: 'grpc', port: 9000, service: 'a"$(B)' }, { grpc_health_check: { service_name: 'a"$(B)' } }],
  ['grpc without a service', { type: 'grpc', port: 9000 }, { grpc_health_check: { service_name: '' } }],
])('%s', (_, action, check) => {
  test('is answered from a check in the background', () => {
    const { routes, filters, clusters } = status(probe('livez', action, { timeoutSeconds: 2, periodSeconds: 3 }));
    expect(routes).toHaveLength(3);
    expect(filters.map((filter) => filter['name'])).toEqual(['lua', 'health_check', 'router']);
    expect(filters[1]?.['typed_config']).toMatchObject({
      pass_through_mode: false,
      cluster_min_healthy_percentages: { 'probe.web.livez': { value: 100 } },
      headers: [{ name: ':path', string_match: { exact: '/app-health/web/livez' } }],
    });
    expect(clusters[0]).toMatchObject({
      name: 'probe.web.livez',
      health_checks: [
        {
          timeout: '2s',
          interval: '3s',
          no_traffic_interval: '1s',
          no_traffic_healthy_interval: '3s',
          unhealthy_threshold: 1,
          healthy_threshold: 1,
          ...check,
        },
      ],
      upstream_bind_config: { source_address: { address: '127.0.0.6' } },
    });
  });

  test.each([
    [10, '5s'],
    [1, '1s'],
    [0, '1s'],
  ])('a period of %i s is checked every %s', (periodSeconds, interval) => {
    expect(status(probe('livez', action, { periodSeconds })).clusters[0]).toMatchObject({
      health_checks: [{ interval }],
    });
  });
});

test('a container name that is none breaks nothing: the API server refuses the pod later', () => {
  const container = 'x"}],$(POD_IP): \ud800';
  const { clusters } = status(
    probe('livez', { type: 'tcp', port: 1 }, { container, path: `/app-health/${container}/livez` }),
  );
  expect(clusters[0]?.['name']).toBe('probe.x"}],$(POD_IP): \ufffd.livez');
});
