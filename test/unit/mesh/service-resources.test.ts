import { describe, expect, test } from '@jest/globals';
import { objectMember, objectsMember, type Json, type JsonObject } from '../../../src/json/json.ts';
import type { Backend } from '../../../src/mesh/plan/route-plan.ts';
import type { PortPlan, ServicePlan } from '../../../src/mesh/plan/service-plan.ts';
import { plainTraffic, type ServiceTraffic, type TrafficPolicy } from '../../../src/mesh/plan/traffic-policy.ts';
import type { Resource } from '../../../src/mesh/resources/resource.ts';
import { serviceResources, type ServiceShape } from '../../../src/mesh/resources/service-resources.ts';
import { cartPlan, endpointPlan } from '../../support/mesh/service-plans.ts';
import { backend, forward, rule, trafficWith } from '../../support/mesh/traffic.ts';

const host = 'cart.shop.svc.cluster.local';
const [one, two] = [endpointPlan(1, 'v1'), endpointPlan(2, 'v2')];
const plan = cartPlan([one, two]);
const headless = cartPlan([one, two], { isHeadless: true });

function namesOf(resources: readonly Resource[], kind: Resource['kind']): readonly string[] {
  return resources.filter((resource) => resource.kind === kind).map(({ name }) => name);
}

function jsonOf(resources: readonly Resource[], kind: Resource['kind'], name: string): JsonObject {
  const found = resources.find((resource) => resource.kind === kind && resource.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found.json;
}

function addressesOf(resources: readonly Resource[], name: string): readonly (Json | undefined)[] {
  const [locality] = objectsMember(jsonOf(resources, 'endpoints', name), 'endpoints');
  return objectsMember(locality, 'lb_endpoints').map(
    ({ endpoint }) => objectMember(objectMember(endpoint as JsonObject, 'address'), 'socket_address')?.['address'],
  );
}

function clusterWith(policy: TrafficPolicy, of: ServicePlan = plan): JsonObject {
  const resources = serviceResources(of, { ...plainTraffic, policies: new Map([[80, policy]]) });
  return jsonOf(resources, 'cluster', `outbound|80||${host}`);
}

test('a load balancer with a hash picks endpoints by it also where no object has routes', () => {
  const key = { type: 'header', name: 'x-user' } as const;
  const routesWith = (loadBalancer: TrafficPolicy['loadBalancer']): string => {
    const policies = new Map([[80, loadBalancer === undefined ? {} : { loadBalancer }]]);
    const resources = serviceResources(plan, { ...plainTraffic, policies });
    return JSON.stringify(jsonOf(resources, 'routes', `outbound|80||${host}`));
  };
  const hashPolicy = '"hash_policy":[{"header":{"header_name":"x-user"}}]';
  expect(routesWith({ type: 'ring', key, minimumSize: 1024 })).toContain(hashPolicy);
  expect(routesWith({ type: 'maglev', key })).toContain(hashPolicy);
  expect(routesWith({ type: 'random' })).not.toContain('hash_policy');
});

const subset = (name: string, labels: Readonly<Record<string, string>>, policy: TrafficPolicy = {}) => ({
  name,
  labels,
  policies: new Map([[80, policy]]),
});

test('endpoints that are called by mutual TLS have a locality of their own, so that one that is called otherwise gets new connections', () => {
  const mixed = cartPlan([one, endpointPlan(2, 'v2', { identity: undefined })]);
  const { endpoints } = jsonOf(serviceResources(mixed), 'endpoints', `outbound|80||${host}`);
  const addressIs = (address: string) =>
    expect.objectContaining({ endpoint: { address: { socket_address: { address, port_value: 8080 } } } });
  expect(endpoints).toEqual([
    { locality: { sub_zone: 'mesh' }, lb_endpoints: [addressIs('10.0.0.1')] },
    { lb_endpoints: [addressIs('10.0.0.2')] },
  ]);
});

describe('subsets', () => {
  const traffic: ServiceTraffic = {
    ...plainTraffic,
    policies: new Map([[80, { loadBalancer: { type: 'random' } }]]),
    subsets: [subset('v1', { version: 'v1' }), subset('all', {}), subset('none', { version: 'v1', app: 'pay' })],
  };

  test('have clusters of their own, with the endpoints whose pods have their labels and the identities of these', () => {
    const resources = serviceResources(plan, traffic);
    const names = ['', 'v1', 'all', 'none'].map((name) => `outbound|80|${name}|${host}`);
    expect(namesOf(resources, 'cluster')).toEqual(names);
    expect(names.map((name) => addressesOf(resources, name))).toEqual([
      ['10.0.0.1', '10.0.0.2'],
      ['10.0.0.1'],
      ['10.0.0.1', '10.0.0.2'],
      [],
    ]);
    const identities = names.map((name) =>
      [...JSON.stringify(jsonOf(resources, 'cluster', name)).matchAll(/sa\/(cart-v\d)/g)].map(([, account]) => account),
    );
    expect(identities).toEqual([['cart-v1', 'cart-v2'], ['cart-v1'], ['cart-v1', 'cart-v2'], []]);
  });

  test('have policies of their own', () => {
    const resources = serviceResources(plan, {
      ...traffic,
      subsets: [subset('v1', {}, { loadBalancer: { type: 'round-robin' } }), subset('v2', {})],
    });
    const balancers = ['', 'v1', 'v2'].map(
      (name) => jsonOf(resources, 'cluster', `outbound|80|${name}|${host}`)['lb_policy'],
    );
    expect(balancers).toEqual(['RANDOM', 'ROUND_ROBIN', 'LEAST_REQUEST']);
  });

  test('take endpoints without a pod only if they ask for no label', () => {
    const bare = cartPlan([{ ...one, pod: undefined, identity: undefined }]);
    const resources = serviceResources(bare, traffic);
    expect(['v1', 'all'].map((name) => addressesOf(resources, `outbound|80|${name}|${host}`))).toEqual([
      [],
      ['10.0.0.1'],
    ]);
  });

  test('use endpoints that terminate where they have no others, whatever the rest of the Service has', () => {
    const leaving = cartPlan([{ ...one, health: 'draining' }, two]);
    const resources = serviceResources(leaving, traffic);
    const health = ['', 'v1'].map((name) =>
      JSON.stringify(jsonOf(resources, 'endpoints', `outbound|80|${name}|${host}`)).match(/HEALTHY|DRAINING/g),
    );
    expect(health).toEqual([['DRAINING', 'HEALTHY'], ['HEALTHY']]);
  });
});

describe('where requests of a Service at two addresses go', () => {
  const [port] = plan.ports as [PortPlan];
  const dual = cartPlan([one], { ports: [port, { ...port, address: 'fd96::5', secondFamily: 'IPv6' }] });
  const shapes: Readonly<Record<string, ServiceShape>> = {
    'shop/dual': { addresses: ['10.96.0.6', 'fd96::6'], isHeadless: false, hasAffinity: false },
    'shop/turned': { addresses: ['fd96::7', '10.96.0.7'], isHeadless: false, hasAffinity: false },
    'shop/single': { addresses: ['10.96.0.8'], isHeadless: false, hasAffinity: false },
    'shop/headless': { addresses: [], isHeadless: true, hasAffinity: false },
  };

  function targetsOf(to: Backend): readonly (Json | undefined)[] {
    const traffic = trafficWith([rule(forward([to]))], { subsets: [subset('v1', {})] });
    const resources = serviceResources(dual, traffic, { serviceAt: (key) => shapes[key] });
    return ['', 'IPv6'].map((place) => {
      const [hosts] = objectsMember(jsonOf(resources, 'routes', `outbound|80|${place}|${host}`), 'virtual_hosts');
      return objectMember(objectsMember(hosts, 'routes')[0], 'route')?.['cluster'];
    });
  }

  const at = (name: string, ...places: readonly string[]) =>
    places.map((place) => `outbound|80|${place}|${name}.shop.svc.cluster.local`);

  test.each<[string, Backend, readonly string[]]>([
    ['the Service itself', backend('cart'), at('cart', '', 'IPv6')],
    ['a subset of it', backend('cart', { subset: 'v1' }), at('cart', 'v1', 'v1.IPv6')],
    ['another Service with the same families', backend('dual'), at('dual', '', 'IPv6')],
    ['a subset of that', backend('dual', { subset: 'v2' }), at('dual', 'v2', 'v2.IPv6')],
    ['one whose first family is the second of this', backend('turned'), at('turned', '', '')],
    ['one with a single family', backend('single'), at('single', '', '')],
    ['a headless Service', backend('headless'), at('headless', 'Any', 'Any')],
    ['a subset of a headless Service', backend('headless', { subset: 'v1' }), at('headless', 'v1', 'v1')],
    ['a Service that is not known', backend('unknown'), at('unknown', '', '')],
  ])('%s', (_, to, expected) => {
    expect(targetsOf(to)).toEqual(expected);
  });

  test('clusters of a subset have the endpoints of their address', () => {
    const resources = serviceResources(dual, { ...plainTraffic, subsets: [subset('v1', {})] });
    expect(namesOf(resources, 'endpoints')).toEqual(at('cart', '', 'v1', 'IPv6', 'v1.IPv6'));
  });
});

describe('a headless Service', () => {
  test('that nobody routes to has the cluster of dialled endpoints alone', () => {
    const resources = serviceResources(headless);
    expect(namesOf(resources, 'cluster')).toEqual([`outbound|80||${host}`]);
    expect(namesOf(resources, 'endpoints')).toEqual([]);
  });

  test('that is a destination has one that picks an endpoint beside it, also if no pod takes mutual TLS', () => {
    const traffic = { ...plainTraffic, isDestination: true };
    expect(namesOf(serviceResources(headless, traffic), 'cluster')).toEqual([
      `outbound|80||${host}`,
      `outbound|80|Any|${host}`,
    ]);
    const bare = cartPlan([{ ...one, identity: undefined }], { isHeadless: true });
    const resources = serviceResources(bare, traffic);
    expect(resources.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      `cluster outbound|80|Any|${host}`,
      `endpoints outbound|80|Any|${host}`,
    ]);
  });

  test('keeps the dialled address for itself, and picks an endpoint for its other ports', () => {
    const traffic = trafficWith([
      rule(forward([backend('cart'), backend('cart', { port: 81 }), backend('cart', { subset: 'v1' })])),
    ]);
    const routes = jsonOf(serviceResources(headless, traffic), 'routes', `outbound|80||${host}`);
    const names = [...JSON.stringify(routes).matchAll(/"name":"(outbound\|\d+\|\w*\|[^"]*)","weight"/g)];
    expect([...new Set(names.map(([, name]) => name))]).toEqual([
      `outbound|80||${host}`,
      `outbound|81|Any|${host}`,
      `outbound|80|v1|${host}`,
    ]);
  });
});

describe('a policy', () => {
  test('of limits: what is not limited has no limit, and limits of connections count those of all clients', () => {
    const most = 4_294_967_295;
    const none = { max_connections: most, max_pending_requests: most, max_requests: most, max_retries: most };
    expect(clusterWith({})).toMatchObject({
      circuit_breakers: { thresholds: [none] },
      connection_pool_per_downstream_connection: true,
      connect_timeout: '10s',
    });
    const cluster = clusterWith({
      limits: {
        maxConnections: 1,
        maxPendingRequests: 2,
        maxRequests: 3,
        maxRetries: 4,
        connectTimeoutMs: 250,
        tcpKeepalive: { timeMs: 7_200_000 },
        maxRequestsPerConnection: 5,
        httpIdleTimeoutMs: 30_000,
        tcpIdleTimeoutMs: 1,
        maxConnectionDurationMs: 60_000,
        maxConcurrentStreams: 6,
      },
    });
    expect(cluster).toMatchObject({
      circuit_breakers: {
        thresholds: [{ max_connections: 1, max_pending_requests: 2, max_requests: 3, max_retries: 4 }],
      },
      connection_pool_per_downstream_connection: false,
      connect_timeout: '0.25s',
      upstream_connection_options: {
        tcp_keepalive: { keepalive_time: 7_200, keepalive_interval: 5, keepalive_probes: 5 },
      },
    });
    const [options] = Object.values(objectMember(cluster, 'typed_extension_protocol_options') ?? {});
    expect(options).toMatchObject({
      common_http_protocol_options: {
        idle_timeout: '30s',
        max_connection_duration: '60s',
        max_requests_per_connection: 5,
        max_headers_count: 2_000,
      },
      use_downstream_protocol_config: { http2_protocol_options: { max_concurrent_streams: 6 } },
    });
  });

  test.each<[TrafficPolicy['limits'] & object, boolean]>([
    [{ maxRequests: 1 }, true],
    [{ maxConnections: 1 }, false],
    [{ maxPendingRequests: 1 }, false],
  ])('of %j: each client has connections of its own, %j', (limits, isOwn) => {
    expect(clusterWith({ limits })).toMatchObject({ connection_pool_per_downstream_connection: isOwn });
  });

  test('of HTTP/2 gives it to every endpoint', () => {
    const [options] = Object.values(
      objectMember(clusterWith({ protocol: 'http2' }), 'typed_extension_protocol_options') ?? {},
    );
    expect(options).toMatchObject({ explicit_http_config: { http2_protocol_options: {} } });
    expect(options).not.toHaveProperty('use_downstream_protocol_config');
  });

  const ejection = {
    consecutive5xx: 3,
    consecutiveGatewayErrors: 0,
    intervalMs: 5_000,
    baseMs: 30_000,
    maxPercent: 10,
    ejectsOneAlways: true,
    panicPercent: 0,
  };

  test('of ejection', () => {
    expect(clusterWith({ ejection })).toMatchObject({
      outlier_detection: {
        consecutive_5xx: 3,
        enforcing_consecutive_5xx: 100,
        enforcing_consecutive_gateway_failure: 0,
        enforcing_success_rate: 0,
        interval: '5s',
        base_ejection_time: '30s',
        max_ejection_percent: 10,
        always_eject_one_host: true,
      },
      common_lb_config: { healthy_panic_threshold: { value: 0 } },
    });
    expect(clusterWith({})).not.toHaveProperty('outlier_detection');
    expect(
      clusterWith({ ejection: { ...ejection, consecutive5xx: 0, consecutiveLocalFailures: 2 } })['outlier_detection'],
    ).toMatchObject({
      enforcing_consecutive_5xx: 0,
      split_external_local_origin_errors: true,
      consecutive_local_origin_failure: 2,
      enforcing_consecutive_local_origin_failure: 100,
    });
  });

  test('of a panic never calls endpoints that are not ready', () => {
    const mixed = cartPlan([one, { ...two, health: 'unhealthy' }]);
    const addresses = [0, 50].map((panicPercent) => {
      const policies = new Map([[80, { ejection: { ...ejection, panicPercent } }]]);
      const resources = serviceResources(mixed, { ...plainTraffic, policies });
      return addressesOf(resources, `outbound|80||${host}`).length;
    });
    expect(addresses).toEqual([2, 1]);
    expect(clusterWith({ ejection: { ...ejection, panicPercent: 50 } })).toMatchObject({
      common_lb_config: { healthy_panic_threshold: { value: 50 } },
    });
  });

  const key = { type: 'address' } as const;

  test.each<[TrafficPolicy['loadBalancer'], JsonObject]>([
    [undefined, { lb_policy: 'LEAST_REQUEST' }],
    [{ type: 'least-request' }, { lb_policy: 'LEAST_REQUEST' }],
    [{ type: 'round-robin' }, { lb_policy: 'ROUND_ROBIN' }],
    [{ type: 'random' }, { lb_policy: 'RANDOM' }],
    [
      { type: 'ring', key, minimumSize: 1024 },
      { lb_policy: 'RING_HASH', ring_hash_lb_config: { minimum_ring_size: '1024' } },
    ],
    [{ type: 'maglev', key }, { lb_policy: 'MAGLEV' }],
    [
      { type: 'maglev', key, tableSize: 251 },
      { lb_policy: 'MAGLEV', maglev_lb_config: { table_size: '251' } },
    ],
    [{ type: 'dialled' }, { type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED' }],
  ])('of the load balancer %j', (loadBalancer, expected) => {
    expect(clusterWith(loadBalancer === undefined ? {} : { loadBalancer })).toMatchObject(expected);
  });

  test('of the load balancer stands above session affinity', () => {
    const sticky = cartPlan([one], { hasAffinity: true });
    expect(clusterWith({}, sticky)).toMatchObject({ lb_policy: 'RING_HASH' });
    expect(clusterWith({ loadBalancer: { type: 'random' } }, sticky)).toMatchObject({ lb_policy: 'RANDOM' });
  });
});

describe('connections are protected', () => {
  const protection = (policy: TrafficPolicy, of = plan) => {
    const { transport_socket: all, transport_socket_matches: some, ...cluster } = clusterWith(policy, of);
    const text = JSON.stringify(all ?? some ?? null);
    return {
      of: all === undefined ? some && 'some' : 'all',
      names: [...text.matchAll(/"san_type":"(\w+)","matcher":{"exact":"([^"]*)"}/g)].map(
        ([, type, name]) => `${type} ${name}`,
      ),
      sni: /"sni":"([^"]*)"/.exec(text)?.[1],
      hasCertificate: text.includes('tls_certificate_sds_secret_configs'),
      authorities: /"filename":"([^"]*)"/.exec(text)?.[1],
      ofRequest: /"upstream_http_protocol_options":({[^}]*})/.exec(JSON.stringify(cluster))?.[1],
    };
  };
  const accounts = ['v1', 'v2'].map((version) => `URI spiffe://cluster.local/ns/shop/sa/cart-${version}`);
  const sni = `outbound_.80_._.${host}`;

  test('automatically, where an endpoint takes it', () => {
    expect(protection({})).toMatchObject({ of: 'some', names: accounts, sni, hasCertificate: true });
    expect(protection({}, headless)).toMatchObject({ of: 'all', names: accounts });
    const bare = cartPlan([{ ...one, identity: undefined }]);
    expect(protection({}, bare)).toMatchObject({ of: undefined });
  });

  test('not at all', () => {
    expect(protection({ transport: { type: 'plain' } })).toMatchObject({ of: undefined });
  });

  test('by mutual TLS with all, and with nobody where none is known to take it', () => {
    const mutual = { transport: { type: 'mutual' } } as const;
    expect(protection(mutual)).toMatchObject({ of: 'all', names: accounts, sni, hasCertificate: true });
    const bare = cartPlan([{ ...one, identity: undefined }]);
    expect(protection(mutual, bare)).toMatchObject({ of: 'all', names: ['URI spiffe://nobody'] });
    const named = { type: 'mutual', names: ['spiffe://x/y', 'a.example'], sni: 'b.example' } as const;
    expect(protection({ transport: named })).toMatchObject({
      names: ['URI spiffe://x/y', 'DNS a.example'],
      sni: 'b.example',
    });
  });

  test('by TLS with the certificate of the server alone, which must have the name that is asked for', () => {
    const simple = { type: 'simple' } as const;
    const authorities = '/etc/ssl/certs/ca-certificates.crt';
    expect(protection({ transport: { ...simple, sni: 'a.example' } })).toEqual({
      of: 'all',
      names: ['DNS a.example'],
      sni: 'a.example',
      hasCertificate: false,
      authorities,
      ofRequest: undefined,
    });
    expect(protection({ transport: simple })).toMatchObject({
      names: [],
      sni: undefined,
      authorities,
      ofRequest: '{"auto_sni":true,"auto_san_validation":true}',
    });
    expect(protection({ transport: { ...simple, names: ['b.example'], caFile: '/ca.pem' } })).toMatchObject({
      names: ['DNS b.example'],
      authorities: '/ca.pem',
      ofRequest: '{"auto_sni":true}',
    });
    expect(protection({ transport: { ...simple, isUnverified: true } })).toMatchObject({
      authorities: undefined,
      ofRequest: '{"auto_sni":true}',
    });
  });
});
