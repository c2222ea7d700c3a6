import { describe, expect, test } from '@jest/globals';
import { accessLogs, tcpLogOptions } from '../../../src/envoy/access-log.ts';
import { hookListeners } from '../../../src/envoy/hooks.ts';
import { ownHttp, transparentHttp } from '../../../src/envoy/http.ts';
import { captureListeners, outboundCluster, plainRoutes } from '../../../src/envoy/listeners.ts';
import { metricsPage } from '../../../src/envoy/metrics-page.ts';
import { grpcStats } from '../../../src/envoy/grpc-messages.ts';
import { httpMetrics, tcpMetrics } from '../../../src/envoy/metrics.ts';
import { probeAnswers } from '../../../src/envoy/probes.ts';
import { passEverything, refuseEverything } from '../../../src/envoy/routes.ts';
import { unknownPod } from '../../../src/envoy/self.ts';
import { meshListeners } from '../../support/mesh/inbound.ts';
import { statusListener } from '../../../src/envoy/status-listener.ts';
import { objectMember, type JsonObject } from '../../../src/json/json.ts';
import { probe, proxyIntent } from '../../support/builders/proxy-intent.ts';

/** The members that a connection manager says what it does by. */
interface Manager {
  readonly stat_prefix: string;
  readonly route_config?: JsonObject;
  readonly http_filters: readonly { readonly name: string }[];
  readonly access_log?: readonly JsonObject[];
}

function managerOf(filter: JsonObject): Manager {
  return filter['typed_config'] as unknown as Manager;
}

describe('routes of captured requests', () => {
  test('send everything to one cluster, CONNECT too, without the mark of a request that has no x-forwarded-proto', () => {
    const headers = [{ name: 'x-forwarded-proto', string_match: { exact: 'sidecar-injector/absent' } }];
    const request_headers_to_remove = ['x-forwarded-proto'];
    const route = {
      cluster: 'a',
      timeout: '0s',
      retry_policy: { retry_on: 'reset-before-request,refused-stream' },
    };
    expect(passEverything('in', 'inbound', 'a')).toEqual({
      virtual_hosts: [
        {
          name: 'in',
          domains: ['*'],
          routes: [
            { name: 'in', match: { prefix: '/', headers }, route, request_headers_to_remove },
            { name: 'in', match: { prefix: '/' }, route },
            { name: 'in', match: { connect_matcher: {} }, route, request_headers_to_remove },
          ],
        },
      ],
    });
  });

  test('count the messages of gRPC alone', () => {
    const metrics = { istio: true, merge: false };
    const { inbound } = plainRoutes({ outboundTrafficPolicy: 'ALLOW_ANY', metrics });
    const { virtual_hosts } = (inbound as { inline: { virtual_hosts: readonly { routes: readonly JsonObject[] }[] } })
      .inline;
    const counting = virtual_hosts[0]?.routes.filter((route) => JSON.stringify(route).includes('grpc_stats'));
    expect(counting?.map(({ match }) => match)).toMatchObject([
      { prefix: '/', grpc: {} },
      { prefix: '/', grpc: {} },
    ]);
    expect(virtual_hosts[0]?.routes).toHaveLength(5);
  });

  test('outbound repeats only what the server has refused', () => {
    expect(JSON.stringify(passEverything('out', 'outbound', 'a'))).toContain('"retry_on":"refused-stream"');
  });

  test('refuse everything', () => {
    const [host] = refuseEverything('no', 502)['virtual_hosts'] as readonly { routes: readonly JsonObject[] }[];
    expect(host?.routes.map((route) => route['direct_response'])).toEqual([{ status: 502 }, { status: 502 }]);
  });

  test.each([
    ['ALLOW_ANY', 'PassthroughCluster', 'allow_any'],
    ['REGISTRY_ONLY', 'BlackHoleCluster', 'block_all'],
  ] as const)('%s', (outboundTrafficPolicy, cluster, name) => {
    expect(outboundCluster({ outboundTrafficPolicy })).toBe(cluster);
    expect(plainRoutes({ outboundTrafficPolicy, metrics: { istio: false, merge: false } }).outbound).toMatchObject({
      inline: { virtual_hosts: [{ name }] },
    });
  });
});

describe('connection managers', () => {
  const filter = { name: 'mine' };

  test('of captured traffic have the router last, and routes inline or from a control plane', () => {
    const some = {
      name: 'outbound',
      forwardedProto: 'marked',
      filters: [filter],
      accessLog: [filter],
      tracing: { a: 1 },
    } as const;
    const inline = managerOf(transparentHttp({ ...some, routes: { inline: { b: 2 } } }));
    expect(inline).toMatchObject({
      stat_prefix: 'outbound',
      route_config: { b: 2 },
      access_log: [filter],
      tracing: { a: 1 },
    });
    expect(inline.http_filters.map(({ name }) => name)).toEqual(['mine', 'router']);
    expect(managerOf(transparentHttp({ ...some, routes: { rds: 'r' } }))).toMatchObject({
      rds: { route_config_name: 'r', config_source: { ads: {}, resource_api_version: 'V3' } },
    });
  });

  test('of the proxy itself have no log, and little time for a request', () => {
    const own = managerOf(ownHttp('status', [filter], [{ match: { path: '/x' } }]));
    expect(own.access_log).toBeUndefined();
    expect(own).toMatchObject({ request_headers_timeout: '10s', request_timeout: '10s', stream_idle_timeout: '60s' });
    expect(own.route_config).toEqual({
      virtual_hosts: [{ name: 'status', domains: ['*'], routes: [{ match: { path: '/x' } }] }],
    });
  });
});

const metrics = (istio: boolean) => ({ istio, merge: true });

describe('what is told about captured traffic', () => {
  test('lines alone, metrics alone, both, nothing', () => {
    const count = (accessLog: 'stdout' | 'file' | 'none', istio: boolean) =>
      accessLogs({ accessLog, metrics: metrics(istio) }, 'inbound', 'tcp').length;
    expect([count('stdout', false), count('none', true), count('file', true), count('none', false)]).toEqual([
      1, 2, 3, 0,
    ]);
  });

  test('one line each at the end, where metrics have beginnings reported too', () => {
    const [line] = accessLogs({ accessLog: 'stdout', metrics: metrics(true) }, 'outbound', 'http');
    expect(line).toMatchObject({ filter: { log_type_filter: { types: ['DownstreamEnd', 'TcpConnectionEnd'] } } });
    expect(tcpLogOptions({ accessLog: 'none', metrics: metrics(true) }, 'outbound')).toEqual({
      flush_access_log_on_start: true,
    });
    expect(tcpLogOptions({ accessLog: 'none', metrics: metrics(false) }, 'outbound')).toBeUndefined();
  });

  test('metrics of both directions are the same and differ by the filter chain', () => {
    const reporter = '{"name":"reporter","value_format":"%FILTER_CHAIN_NAME%"}';
    expect(JSON.stringify(httpMetrics.inbound)).toContain(reporter);
    expect(httpMetrics.outbound).toEqual(httpMetrics.inbound);
    expect(JSON.stringify(tcpMetrics.outbound)).toContain(reporter);
    expect(JSON.stringify(httpMetrics.passthrough)).toContain('{"name":"reporter","value_format":"source"}');
    expect(tcpMetrics.inbound).toHaveLength(2);
  });
});

describe('capture listeners', () => {
  const httpPorts = [
    { first: 8080, last: 8089 },
    { first: 80, last: 80 },
    { first: 81, last: 81 },
  ];

  test('have names and directions', () => {
    expect(captureListeners(proxyIntent()).map((one) => [one['name'], one['traffic_direction']])).toEqual([
      ['virtualOutbound', 'OUTBOUND'],
      ['virtualInbound', 'INBOUND'],
    ]);
  });

  test('inspect no connection, and have no chain for HTTP, if no port is for HTTP', () => {
    const opaquePorts = [{ first: 0, last: 65_535 }];
    for (const listener of captureListeners(proxyIntent({ httpPorts, opaquePorts, httpInboundPorts: [9000] }))) {
      expect(listener['listener_filters']).toEqual([expect.objectContaining({ name: 'original_dst' })]);
      expect(listener['filter_chains']).toEqual([expect.objectContaining({ name: 'loop-guard' })]);
      for (const member of ['access_log', 'listener_filters_timeout']) expect(listener).not.toHaveProperty(member);
    }
  });

  test('log connections that end while they are inspected, if there is a log', () => {
    const logs = (accessLog: 'stdout' | 'file' | 'none') =>
      captureListeners(proxyIntent({ accessLog })).map((one) => one['access_log']);
    expect(logs('none')).toEqual([undefined, undefined]);
    for (const kind of ['stdout', 'file'] as const) {
      for (const log of logs(kind))
        expect(log).toEqual(
          accessLogs({ accessLog: kind, metrics: metrics(false) }, 'inbound', 'tcp').map((line) => ({
            filter: expect.anything(),
            typed_config: {
              ...objectMember(line, 'typed_config'),
              log_format: { json_format: expect.not.objectContaining({ method: expect.anything() }) },
            },
          })),
        );
      expect(JSON.stringify(logs(kind))).toContain('downstream_closed_during_inspection');
    }
  });

  test('of the mesh take clients with a certificate of its trust domain, and tell the application who they are', () => {
    const [outbound, inbound] = meshListeners({ ...proxyIntent(), self: unknownPod }, { trustDomain: 'example.org' });
    const chains = inbound?.['filter_chains'] as readonly {
      readonly name: string;
      readonly transport_socket?: object;
    }[];
    const secured = chains.filter((chain) => chain.transport_socket !== undefined);
    expect(secured.map(({ name }) => name)).toEqual(['mtls-http', 'mtls-tcp']);
    for (const chain of secured) {
      expect(chain).toMatchObject({ transport_socket: { typed_config: { require_client_certificate: true } } });
      expect(JSON.stringify(chain)).toContain('{"san_type":"URI","matcher":{"prefix":"spiffe://example.org/"}}');
    }
    const told = (listener: JsonObject | undefined): readonly string[] => [
      ...new Set(
        [...JSON.stringify(listener).matchAll(/"forward_client_cert_details":"([A-Z_]+)"/g)].map(
          ([, how]) => how ?? '',
        ),
      ),
    ];
    expect([told(inbound), told(outbound)]).toEqual([['APPEND_FORWARD'], ['ALWAYS_FORWARD_ONLY']]);
    for (const listener of captureListeners(proxyIntent())) expect(told(listener)).toEqual(['ALWAYS_FORWARD_ONLY']);
  });

  test('count messages of gRPC only with metrics', () => {
    const text = (istio: boolean) => JSON.stringify(captureListeners(proxyIntent({ metrics: { istio, merge: true } })));
    expect([text(true), text(false)].map((one) => one.includes(JSON.stringify(grpcStats)))).toEqual([true, false]);
  });
});

describe('the status listener', () => {
  const nothing = { scripts: {}, filters: [], routes: [], clusters: [] };

  test('is on health, metrics and status port, and outlives a full proxy', () => {
    const page = metricsPage(proxyIntent({ metrics: { istio: false, merge: true } }), 'alone');
    const ports = (statusPort: number) =>
      JSON.stringify(statusListener({ statusPort }, ['v4'], page, nothing)).match(/(?<="port_value":)\d+/g);
    expect([ports(15_020), ports(0)]).toEqual([
      ['15021', '15090', '15020'],
      ['15021', '15090'],
    ]);
    const listener = statusListener({ statusPort: 1 }, ['v4'], page, nothing);
    expect(listener).toMatchObject({ ignore_global_conn_limit: true, bypass_overload_manager: true });
    expect(listener).not.toHaveProperty('per_connection_buffer_limit_bytes');
  });

  test('has room for a page that a script works on', () => {
    const page = metricsPage(proxyIntent(), 'alone');
    expect([page.scripts, page.usual?.name, page.bufferBytes]).toEqual([{}, 'hang_up', 33_554_432]);
    const { clusters, route } = metricsPage(
      proxyIntent({
        metrics: { istio: false, merge: true },
        metricsTargets: [{ scheme: 'HTTPS', port: 9443, path: '/m' }],
      }),
      'alone',
    );
    expect(clusters.map((one) => one['name'])).toEqual(['metrics.https.9443']);
    expect(JSON.stringify(route)).toContain('"target":"9443/m"');
  });

  test('answers probes: HTTP by routes, the others by the state of a cluster', () => {
    const http = { type: 'http', scheme: 'HTTP', port: 8080, path: '/' } as const;
    const answers = probeAnswers(
      [probe('readyz', http), probe('livez', { ...http, path: '/live' }), probe('startupz', { type: 'tcp', port: 1 })],
      { families: ['v4'], self: unknownPod },
      15_020,
    );
    expect([Object.keys(answers.scripts), answers.filters.length, answers.routes.length]).toEqual([['probe'], 1, 2]);
    expect(answers.clusters.map((one) => one['name'])).toEqual([
      'probe.http.8080',
      'probe.web.startupz',
      'probe.http',
      'probe.https',
    ]);
  });
});

test.each([
  ['port', false, []],
  ['port', true, ['/quitquitquit']],
  ['socket', false, ['/ready', '/drain']],
  ['socket', true, ['/ready', '/drain', '/quitquitquit']],
] as const)('hooks for an admin interface on a %s, quitting %s', (admin, quitHook, paths) => {
  const listeners = hookListeners({ admin, quitHook, drainSeconds: undefined });
  expect(listeners).toHaveLength(paths.length === 0 ? 0 : 1);
  expect(JSON.stringify(listeners).match(/(?<="match":\{"path":")[^"]*/g) ?? []).toEqual(paths);
});
