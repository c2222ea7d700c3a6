import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { bootstrap as configurationOf, renderBootstrap } from '../../../src/envoy/bootstrap.ts';
import { captureListeners } from '../../../src/envoy/listeners.ts';
import { port } from '../../support/builders/capture-intent.ts';
import { expandLikeKubelet } from '../../support/models/kubelet-expansion.ts';
import { probe, proxyIntent, type ProxyChanges } from '../../support/builders/proxy-intent.ts';

type Any = Record<string, unknown>;

const pod = { POD_IP: '10.0.0.7', POD_NAME: 'web-1', POD_NAMESPACE: 'shop' };

function bootstrap(changes: ProxyChanges = {}): Any {
  const text = expandLikeKubelet(renderBootstrap(proxyIntent(changes)), pod);
  return parse(text, { maxAliasCount: -1 }) as Any;
}

/** The value at a path of keys and indexes; an item of a list is also found by its name. */
function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((current, key) => {
    if (Array.isArray(current) && typeof key === 'string')
      return (current as Any[]).find((item) => item['name'] === key);
    return (current as Any | undefined)?.[key];
  }, value);
}

function listener(name: string, changes: ProxyChanges = {}): unknown {
  return at(bootstrap(changes), 'static_resources', 'listeners', name);
}

/** The filter chain for HTTP of a listener. */
function chainName(name: string): string {
  return name === 'virtualOutbound' ? 'outbound-http' : 'inbound-http';
}

function cluster(name: string, changes: ProxyChanges = {}): unknown {
  return at(bootstrap(changes), 'static_resources', 'clusters', name);
}

function statusPorts(changes: ProxyChanges): unknown[] {
  const status = listener('status', changes) as { address: unknown; additional_addresses: unknown[] };
  return [status, ...status.additional_addresses].map((one) => at(one, 'address', 'socket_address', 'port_value'));
}

describe('size', () => {
  const http = { type: 'http', scheme: 'HTTP', port: 8080, path: '/ready' } as const;
  const two = [probe('readyz', http), probe('livez', { ...http, path: '/live' })];

  test.each([
    ['with metrics', true, 16_384],
    ['without metrics', false, 12_480],
  ])('%s it stays within the budget, because every pod stores it', (_, istio, most) => {
    const intent = proxyIntent({ probes: two, metrics: { istio, merge: true } });
    expect(Buffer.byteLength(renderBootstrap(intent))).toBeLessThanOrEqual(most);
  });

  test('two probes of one port need one cluster', () => {
    const { clusters } = bootstrap({ probes: two })['static_resources'] as { clusters: Any[] };
    expect(clusters.map((one) => one['name']).filter((name) => String(name).startsWith('probe.'))).toEqual([
      'probe.http.8080',
      // For redirects.
      'probe.http',
      'probe.https',
    ]);
  });
});

test('who the proxy is', () => {
  expect(bootstrap({ workload: 'shop$(X)', clusterDomain: 'corp.example' })['node']).toEqual({
    id: 'sidecar~10.0.0.7~web-1.shop~shop.svc.corp.example',
    cluster: 'shop$(X).shop',
    metadata: { NAMESPACE: 'shop', WORKLOAD_NAME: 'shop$(X)' },
  });
});

test('admin is for the pod alone', () => {
  expect(at(bootstrap(), 'admin', 'address', 'socket_address')).toEqual({ address: '127.0.0.1', port_value: 15000 });
});

describe('addresses', () => {
  test.each([
    [['v4', 'v6'], '::', true],
    [['v6'], '::', true],
    [['v4'], '0.0.0.0', false],
  ] as const)('%j: listeners on %s', (families, address, compat) => {
    const { listeners } = bootstrap({ families })['static_resources'] as { listeners: Any[] };
    const sockets = listeners.concat(
      listeners.flatMap((one) => (one['additional_addresses'] as Any[] | undefined) ?? []),
    );
    for (const socket of sockets) {
      expect(at(socket, 'address', 'socket_address')).toMatchObject({ address, ipv4_compat: compat });
    }
  });

  test.each([
    [
      ['v4', 'v6'],
      ['127.0.0.6', '::6'],
    ],
    [['v4'], ['127.0.0.6']],
    [['v6'], ['::6']],
  ] as const)('%j: the application is dialled from %j', (families, expected) => {
    const binding = at(cluster('InboundPassthroughCluster', { families }), 'upstream_bind_config') as Any;
    const extra = (binding['extra_source_addresses'] as Any[] | undefined) ?? [];
    expect(
      [binding['source_address'], ...extra.map((one) => one['address'])].map((one) => (one as Any)['address']),
    ).toEqual(expected);
    expect(at(cluster('PassthroughCluster', { families }), 'upstream_bind_config')).toBeUndefined();
  });
});

test.each([
  [15020, [15021, 15090, 15020]],
  [16020, [15021, 15090, 16020]],
  [0, [15021, 15090]],
])('status port %s', (statusPort, expected) => {
  expect(statusPorts({ statusPort })).toEqual(expected);
});

test('without a status port nothing of the probes is left', () => {
  const probes = [probe('readyz', { type: 'tcp', port: 80 })];
  expect(renderBootstrap(proxyIntent({ statusPort: 0, probes }))).toBe(renderBootstrap(proxyIntent({ statusPort: 0 })));
});

describe.each([
  ['virtualOutbound', 15001, 'OUTBOUND', 'PassthroughCluster', 'refused-stream'],
  ['virtualInbound', 15006, 'INBOUND', 'InboundPassthroughCluster', 'reset-before-request,refused-stream'],
])('%s', (name, number, direction, target, retryOn) => {
  test('is where the rules send connections, and guards against itself', () => {
    expect(at(listener(name), 'address', 'socket_address', 'port_value')).toBe(number);
    expect(at(listener(name), 'traffic_direction')).toBe(direction);
    const guard = at(listener(name), 'filter_chains', 'loop-guard');
    expect(at(guard, 'filter_chain_match', 'destination_port')).toBe(number);
    expect(at(guard, 'filters', 0, 'typed_config', 'cluster')).toBe('BlackHoleCluster');
  });

  test('sends HTTP and everything else to the original destination', () => {
    const http = at(listener(name), 'filter_chains', chainName(name), 'filters', 0, 'typed_config');
    const any = { prefix: '/' };
    for (const [index, match] of [any, any, any, any, { connect_matcher: {} }].entries()) {
      expect(at(http, 'route_config', 'virtual_hosts', 0, 'routes', index)).toMatchObject({
        match,
        route: { cluster: target, timeout: '0s', retry_policy: { retry_on: retryOn } },
      });
    }
    expect(http).toMatchObject({
      server_header_transformation: 'PASS_THROUGH',
      forward_client_cert_details: 'ALWAYS_FORWARD_ONLY',
      stream_idle_timeout: '0s',
      common_http_protocol_options: { idle_timeout: '0s' },
      upgrade_configs: ['websocket', 'tcp', 'SPDY/3.1', 'CONNECT'].map((upgrade_type) => ({ upgrade_type })),
      http_protocol_options: { accept_http_10: true },
    });
    expect(at(listener(name), 'default_filter_chain', 'filters', 0, 'typed_config')).toMatchObject({
      cluster: target,
      idle_timeout: '0s',
    });
    const tcp_keepalive = { keepalive_time: 30, keepalive_interval: 5, keepalive_probes: 5 };
    expect(listener(name)).toMatchObject({ tcp_keepalive, per_connection_buffer_limit_bytes: 65_536 });
    expect(cluster(target)).toMatchObject({
      upstream_connection_options: { tcp_keepalive },
      per_connection_buffer_limit_bytes: 65_536,
    });
    expect(at(cluster(target), 'typed_extension_protocol_options')).toMatchObject({
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        common_http_protocol_options: { idle_timeout: '1s' },
      },
    });
    for (const limit of Object.values(at(cluster(target), 'circuit_breakers', 'thresholds', 0) as Any)) {
      expect(limit).toBe(4_294_967_295);
    }
  });

  test.each([
    [[port(8080)], [], { destination_port_range: { start: 8080, end: 8081 } }],
    [
      [port(9001), { first: 8080, last: 8089 }, port(9000), port(0)],
      [{ first: 8086, last: 8088 }, port(8080), port(443)],
      {
        or_match: {
          rules: [
            { destination_port_range: { start: 0, end: 1 } },
            { destination_port_range: { start: 8081, end: 8086 } },
            { destination_port_range: { start: 8089, end: 8090 } },
            { destination_port_range: { start: 9000, end: 9002 } },
          ],
        },
      },
    ],
  ])('both inspectors see only the HTTP ports %j without the opaque ports %j', (httpPorts, opaquePorts, predicate) => {
    const filters = at(listener(name, { httpPorts, opaquePorts }), 'listener_filters') as Any[];
    const filter_disabled = { not_match: predicate };
    expect(filters.map((filter) => [filter['name'], filter['filter_disabled']])).toEqual([
      ['original_dst', undefined],
      ['tls_inspector', filter_disabled],
      ['http_inspector', filter_disabled],
    ]);
  });

  test('the ports that the pod declares count inbound alone', () => {
    const ports = {
      httpPorts: [port(80)],
      opaquePorts: [port(22)],
      httpInboundPorts: [7, 22, 90],
      opaqueInboundPorts: [90],
    };
    const range = (one: number) => ({ destination_port_range: { start: one, end: one + 1 } });
    const inbound = { or_match: { rules: [range(7), range(80)] } };
    for (const filter of (at(listener(name, ports), 'listener_filters') as Any[]).slice(1)) {
      expect(filter['filter_disabled']).toEqual({ not_match: direction === 'INBOUND' ? inbound : range(80) });
    }
  });

  test.each([
    [500, '0.5s'],
    [0, '0s'],
    [5000, '5s'],
  ])('waits %i ms for the first bytes', (protocolDetectionTimeoutMs, expected) => {
    expect(at(listener(name, { protocolDetectionTimeoutMs }), 'listener_filters_timeout')).toBe(expected);
    expect(at(listener(name), 'continue_on_listener_filters_timeout')).toBe(true);
  });

  test.each([
    ['stdout', true, ['stream', 'stats']],
    ['file', false, ['file']],
    ['none', true, ['stats']],
    ['none', false, []],
  ] as const)('access log %s, metrics %s', (accessLog, istio, expected) => {
    const one = listener(name, { accessLog, metrics: { istio, merge: true } });
    const loggers = (...way: (string | number)[]): unknown[] => [
      ...new Set(
        (at(one, ...way, 'typed_config', 'access_log') as Any[]).map((logger) =>
          String(at(logger, 'typed_config', '@type'))
            .split('.')
            .at(-3),
        ),
      ),
    ];
    expect(loggers('filter_chains', chainName(name), 'filters', 0)).toEqual(expected);
    expect(loggers('default_filter_chain', 'filters', 0)).toEqual(expected);
  });
});

test('REGISTRY_ONLY refuses what nobody has registered', () => {
  const outbound = listener('virtualOutbound', { outboundTrafficPolicy: 'REGISTRY_ONLY' });
  const routes = at(
    outbound,
    'filter_chains',
    chainName('virtualOutbound'),
    'filters',
    0,
    'typed_config',
    'route_config',
    'virtual_hosts',
    0,
    'routes',
  );
  const refused = { name: 'block_all', direct_response: { status: 502 } };
  expect(routes).toEqual([
    { ...refused, match: { prefix: '/', grpc: {} }, metadata: { filter_metadata: { protocol: { name: 'grpc' } } } },
    { ...refused, match: { prefix: '/' } },
    { ...refused, match: { connect_matcher: {} } },
  ]);
  expect(at(outbound, 'default_filter_chain', 'filters', 0, 'typed_config', 'cluster')).toBe('BlackHoleCluster');
});

test('overload protection and the statistics that probes are computed from', () => {
  expect(
    at(bootstrap({ maxConnections: 77 }), 'overload_manager', 'resource_monitors', 0, 'typed_config'),
  ).toMatchObject({
    max_active_downstream_connections: 77,
  });
  expect(at(bootstrap(), 'stats_config', 'stats_matcher', 'inclusion_list', 'patterns')).toContainEqual({
    contains: 'membership_',
  });
});

test.each([
  [77, 57],
  [1, 1],
  [50_000, 37_500],
])('of %d connections clients take three quarters, and the status ports have their own', (maxConnections, inbound) => {
  expect(bootstrap({ maxConnections })).toMatchObject({
    layered_runtime: {
      layers: [
        {
          static_layer: {
            'envoy.resource_limits.listener.virtualInbound.connection_limit': inbound,
            'envoy.resource_limits.listener.status.connection_limit': 500,
            'overload.premature_reset_total_stream_count': 1_000_000_000,
          },
        },
      ],
    },
  });
});

test('rendering leaves nothing behind', () => {
  const first = renderBootstrap(proxyIntent());
  renderBootstrap(
    proxyIntent({ families: ['v4'], accessLog: 'none', probes: [probe('livez', { type: 'grpc', port: 1 })] }),
  );
  expect(renderBootstrap(proxyIntent())).toBe(first);
});

describe('for a pod that is known', () => {
  const self = { address: '10.0.0.7', name: 'web-1', namespace: 'shop' };
  const changes: ProxyChanges = {
    workload: 'web "$(HOME)"',
    probes: [
      probe('readyz', { type: 'http', scheme: 'HTTPS', port: 1, path: '/' }),
      probe('livez', { type: 'tcp', port: 2 }),
    ],
    metricsTargets: [{ scheme: 'HTTP', port: 3, path: '/' }],
    tracing: { host: 'otel', port: 4, samplingPercent: 1 },
    admin: 'socket',
    quitHook: true,
  };
  const intent = proxyIntent(changes);

  test('the object is what Envoy reads of the text', () => {
    const text = JSON.stringify(configurationOf(intent, self)).replaceAll('"type.googleapis.com/', '"t/');
    const known = JSON.parse(text) as unknown;
    expect(known).toEqual(bootstrap(changes));
    expect(JSON.stringify(known)).not.toContain('POD_');
  });

  test('routes may come from a control plane', () => {
    const routes = { outbound: { rds: 'outbound' }, inbound: { inline: { name: 'own' } } };
    const [outbound, inbound] = captureListeners({ ...intent, self }, routes);
    const manager = (name: string) => ['filter_chains', chainName(name), 'filters', 0, 'typed_config'] as const;
    expect(at(outbound, ...manager('virtualOutbound'), 'rds')).toEqual({
      route_config_name: 'outbound',
      config_source: { ads: {}, resource_api_version: 'V3' },
    });
    expect(at(outbound, ...manager('virtualOutbound'), 'route_config')).toBeUndefined();
    expect(at(inbound, ...manager('virtualInbound'), 'route_config')).toEqual({ name: 'own' });
  });
});
