import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { noticesOf } from '../../../src/mesh/plan/notices.ts';
import { planService, type ServicePlan } from '../../../src/mesh/plan/service-plan.ts';
import { serviceListeners } from '../../../src/mesh/resources/service-listeners.ts';
import { serviceResources } from '../../../src/mesh/resources/service-resources.ts';
import { injectedParts } from '../../support/mesh/injected-parts.ts';
import { readPod } from '../../../src/mesh/world/pod.ts';
import { readService } from '../../../src/mesh/world/service.ts';
import { proxyIntent, type ProxyChanges } from '../../support/builders/proxy-intent.ts';
import { applyEvents } from '../../../src/mesh/world/world.ts';
import { worldOf } from '../../support/mesh/world-events.ts';

const domains = { cluster: 'cluster.local', trust: 'cluster.local', rootNamespace: 'istio-system' };
const key = 'shop/cart';

function service(spec: JsonObject, metadata: JsonObject = {}): JsonObject {
  return {
    kind: 'Service',
    metadata: { namespace: 'shop', name: 'cart', uid: 's', ...metadata },
    spec: { clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'], ports: [{ name: 'http', port: 80 }], ...spec },
  };
}

function slice(name: string, endpoints: readonly JsonObject[], more: JsonObject = {}): JsonObject {
  return {
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    metadata: { namespace: 'shop', name, uid: name, labels: { 'kubernetes.io/service-name': 'cart' } },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [...endpoints],
    ...more,
  };
}

function endpoint(address: string, conditions: JsonObject | undefined, pod?: string): JsonObject {
  return {
    addresses: [address],
    ...(conditions !== undefined && { conditions }),
    ...(pod !== undefined && { targetRef: { kind: 'Pod', namespace: 'shop', name: pod } }),
  };
}

function pod(name: string, annotations: Readonly<Record<string, string>> = {}, isMesh = true): JsonObject {
  return {
    kind: 'Pod',
    metadata: {
      namespace: 'shop',
      name,
      uid: name,
      labels: isMesh ? { 'security.istio.io/tlsMode': 'istio' } : {},
      annotations,
    },
    spec: {
      serviceAccountName: 'cart',
      ...(isMesh ? injectedParts() : { containers: [] }),
    },
    status: { phase: 'Running', podIPs: [{ ip: '10.0.0.1' }] },
  };
}

function plan(...objects: readonly JsonObject[]): ServicePlan | undefined {
  return planService(worldOf(objects), key, domains);
}

/** Addresses and health of the endpoints of each port and address. */
function endpointsOf(...objects: readonly JsonObject[]): readonly (readonly string[])[] | undefined {
  return plan(...objects)?.ports.map(({ endpoints }) =>
    endpoints.map(({ address, port, health }) => `${address}:${port} ${health}`),
  );
}

const ready = { ready: true };
const terminating = { ready: false, serving: true, terminating: true };
const dying = { ready: false, serving: false, terminating: true };
const dual = { clusterIPs: ['10.96.0.5', 'fd96::5'] };
const v6 = { addressType: 'IPv6' };

describe('endpoints', () => {
  test.each<[string, readonly JsonObject[], readonly string[]]>([
    [
      'that are ready, and those that are not',
      [endpoint('10.0.0.1', ready), endpoint('10.0.0.2', { ready: false })],
      ['10.0.0.1:8080 healthy', '10.0.0.2:8080 unhealthy'],
    ],
    ['without conditions', [endpoint('10.0.0.1', undefined)], ['10.0.0.1:8080 healthy']],
    [
      'that terminate, beside others',
      [endpoint('10.0.0.1', terminating), endpoint('10.0.0.2', ready)],
      ['10.0.0.1:8080 draining', '10.0.0.2:8080 healthy'],
    ],
    [
      'that terminate and serve, without others',
      [endpoint('10.0.0.1', terminating), endpoint('10.0.0.2', { ready: false })],
      ['10.0.0.1:8080 healthy', '10.0.0.2:8080 unhealthy'],
    ],
    ['that serve no more', [endpoint('10.0.0.1', dying)], ['10.0.0.1:8080 unhealthy']],
    // A Service with publishNotReadyAddresses has its endpoints ready from beginning to end.
    [
      'that terminate and are called ready',
      [endpoint('10.0.0.1', { ready: true, terminating: true })],
      ['10.0.0.1:8080 healthy'],
    ],
    ['without an address', [{ addresses: [] }], []],
  ])('%s', (_, endpoints, expected) => {
    expect(endpointsOf(service({}), slice('a', endpoints))).toEqual([expected]);
  });

  test('in two slices count once, by the one that can be used', () => {
    for (const [first, second] of [
      [ready, terminating],
      [terminating, ready],
    ]) {
      const slices = [slice('a', [endpoint('10.0.0.1', first)]), slice('b', [endpoint('10.0.0.1', second)])];
      expect(endpointsOf(service({}), ...slices)).toEqual([['10.0.0.1:8080 healthy']]);
    }
  });

  test('of pods whose ports have the same name and different numbers', () => {
    const named = service({ ports: [{ name: 'http', port: 80, targetPort: 'web' }] });
    const other = slice('b', [endpoint('10.0.0.2', ready)], { ports: [{ name: 'http', port: 9090, protocol: 'TCP' }] });
    expect(endpointsOf(named, slice('a', [endpoint('10.0.0.1', ready)]), other)).toEqual([
      ['10.0.0.1:8080 healthy', '10.0.0.2:9090 healthy'],
    ]);
  });

  test('of a slice whose port has another name, or no number, are none', () => {
    const ports = (port: JsonObject): JsonObject => slice('a', [endpoint('10.0.0.1', ready)], { ports: [port] });
    expect(endpointsOf(service({}), ports({ name: 'web', port: 8080 }))).toEqual([[]]);
    expect(endpointsOf(service({}), ports({ name: 'http' }))).toEqual([[]]);
    expect(endpointsOf(service({}), ports({ name: 'http', port: 8080, protocol: 'UDP' }))).toEqual([[]]);
  });

  test('without a selector have no pod, and are reached without TLS', () => {
    expect(plan(service({}), slice('own', [endpoint('192.0.2.1', ready)]))?.ports[0]?.endpoints).toEqual([
      { address: '192.0.2.1', port: 8080, health: 'healthy', pod: undefined, identity: undefined },
    ]);
  });
});

describe('families', () => {
  const slices = [
    slice('a', [endpoint('10.0.0.1', ready)]),
    slice('b', [endpoint('fd00::1', ready)], v6),
    slice('c', [endpoint('cart.example', ready)], { addressType: 'FQDN' }),
  ];

  test('an address leads to the endpoints of its own family', () => {
    expect(endpointsOf(service(dual), ...slices)).toEqual([['10.0.0.1:8080 healthy'], ['fd00::1:8080 healthy']]);
    expect(endpointsOf(service({}), ...slices)).toEqual([['10.0.0.1:8080 healthy']]);
  });

  test('terminating endpoints of one family are used where it has no others', () => {
    const ending = slice('b', [endpoint('fd00::1', terminating)], v6);
    expect(endpointsOf(service(dual), slice('a', [endpoint('10.0.0.1', ready)]), ending)).toEqual([
      ['10.0.0.1:8080 healthy'],
      ['fd00::1:8080 healthy'],
    ]);
  });

  test.each([
    [
      ['10.96.0.5', 'fd96::5'],
      ['outbound|80||cart.shop.svc.cluster.local', 'outbound|80|IPv6|cart.shop.svc.cluster.local'],
    ],
    [
      ['fd96::5', '10.96.0.5'],
      ['outbound|80||cart.shop.svc.cluster.local', 'outbound|80|IPv4|cart.shop.svc.cluster.local'],
    ],
  ])('%j: the first one has the usual name', (clusterIPs, names) => {
    const found = plan(service({ clusterIPs }), ...slices);
    const clusters = found === undefined ? [] : serviceResources(found).filter(({ kind }) => kind === 'cluster');
    expect(clusters.map(({ name }) => name)).toEqual(names);
  });

  test('a headless Service has the endpoints of both', () => {
    expect(endpointsOf(service({ clusterIP: 'None', clusterIPs: ['None'] }), ...slices)).toEqual([
      ['10.0.0.1:8080 healthy', 'fd00::1:8080 healthy'],
    ]);
  });
});

describe('mutual TLS', () => {
  const identities = (
    annotations: Readonly<Record<string, string>>,
    isMesh = true,
  ): readonly (string | undefined)[] => {
    const ports = [
      { name: 'http', port: 80 },
      { name: 'tcp', port: 81 },
    ];
    const two = slice('a', [endpoint('10.0.0.1', ready, 'one')], {
      ports: [
        { name: 'http', port: 8080 },
        { name: 'tcp', port: 9000 },
      ],
    });
    const found = plan(service({ ports }), two, pod('one', annotations, isMesh));
    return found?.ports.flatMap((port) => port.endpoints.map(({ identity }) => identity)) ?? [];
  };
  const id = 'spiffe://cluster.local/ns/shop/sa/cart';
  const bypassed = 'sidecar-injector.io/bypassedInboundPorts';

  test.each<[string, Readonly<Record<string, string>>, readonly (string | undefined)[]]>([
    ['all ports', {}, [id, id]],
    ['but those that pass by the proxy', { [bypassed]: '22,9000-9010' }, [id, undefined]],
    ['none, if nobody knows which', { [bypassed]: 'all of them' }, [undefined, undefined]],
  ])('%s', (_, annotations, expected) => {
    expect(identities(annotations)).toEqual(expected);
  });

  test('not to a pod without a proxy of the mesh', () => {
    expect(identities({}, false)).toEqual([undefined, undefined]);
  });

  test('not to a proxy that has no token, beside the volume and the label that an earlier injection has left', () => {
    const left = pod('one');
    const containers = [{ name: 'istio-proxy', volumeMounts: [{ name: 'istio-logs', mountPath: '/var/log/istio' }] }];
    const alone = { ...left, spec: { ...(left['spec'] as JsonObject), containers } };
    expect(places(slice('a', [endpoint('10.0.0.1', ready, 'one')]), alone)).toMatchObject([{ identity: undefined }]);
    const [proxy] = injectedParts().containers;
    const app = { ...left, spec: { ...(left['spec'] as JsonObject), containers: [{ ...proxy, name: 'app' }] } };
    expect(places(slice('a', [endpoint('10.0.0.1', ready, 'one')]), app)).toMatchObject([{ identity: undefined }]);
    const native = {
      ...left,
      spec: { ...(left['spec'] as JsonObject), initContainers: injectedParts().containers, containers: [] },
    };
    expect(places(slice('a', [endpoint('10.0.0.1', ready, 'one')]), native)).toMatchObject([{ identity: id }]);
  });

  describe('to an endpoint that names no pod', () => {
    const own = slice('own', [endpoint('10.0.0.1', ready), endpoint('10.0.0.9', ready)]);
    const nobody = { pod: undefined, identity: undefined };

    test('if a pod of the mesh has its address', () => {
      expect(places(own, pod('one'))).toMatchObject([
        { address: '10.0.0.1', pod: { name: 'one' }, identity: id },
        { address: '10.0.0.9', ...nobody },
      ]);
    });

    test.each<[string, readonly JsonObject[]]>([
      ['two pods have it', [pod('one'), pod('two')]],
      ['its pod has no proxy of the mesh', [pod('one', {}, false)]],
      [
        'its pod has the network of its node',
        [{ ...pod('one'), spec: { ...(pod('one')['spec'] as JsonObject), hostNetwork: true } }],
      ],
      ['its pod has ended', [{ ...pod('one'), status: { phase: 'Failed', podIPs: [{ ip: '10.0.0.1' }] } }]],
    ])('but not if %s', (_, pods) => {
      expect(places(own, ...pods)?.[0]).toMatchObject(nobody);
    });

    test('as the pod comes and goes', () => {
      const before = worldOf([service({}), own]);
      const one = readPod(pod('one'));
      const came = applyEvents(before, [{ kind: 'pod', key: 'shop/one', value: one }]);
      const went = applyEvents(came.world, [{ kind: 'pod', key: 'shop/one', value: undefined }]);
      expect([...came.touched.endpoints, ...went.touched.endpoints]).toEqual([key, key]);
    });
  });

  const places = (...objects: readonly JsonObject[]) => plan(service({}), ...objects)?.ports[0]?.endpoints;

  test('an address whose pod has gone is not called: it may be the address of somebody else', () => {
    const slices = slice('a', [endpoint('10.0.0.1', ready, 'gone'), endpoint('192.0.2.1', ready)]);
    expect(places(slices)).toMatchObject([{ address: '192.0.2.1', identity: undefined }]);
  });

  test('an address that the named pod does not have needs its certificate, and metrics do not say that it is that pod', () => {
    expect(places(slice('a', [endpoint('192.0.2.1', ready, 'one')]), pod('one'))).toMatchObject([
      { address: '192.0.2.1', pod: undefined, identity: id },
    ]);
  });
});

describe('left alone', () => {
  test.each<[string, JsonObject]>([
    ['a name of something else', { type: 'ExternalName', externalName: 'example.com', clusterIP: '', clusterIPs: [] }],
    ['a Service that leads to endpoints of the own node only', { internalTrafficPolicy: 'Local' }],
  ])('%s', (_, spec) => {
    expect(plan(service(spec))).toBeUndefined();
  });

  test.each<[string, JsonObject]>([
    [
      'UDP and SCTP',
      {
        ports: [
          { name: 'dns', port: 53, protocol: 'UDP' },
          { name: 's', port: 54, protocol: 'SCTP' },
        ],
      },
    ],
    ['no address yet', { clusterIP: '', clusterIPs: [] }],
    ['no ports', { clusterIP: 'None', clusterIPs: ['None'], ports: [] }],
  ])('%s', (_, spec) => {
    expect(plan(service(spec))?.ports).toEqual([]);
  });

  test('of two ports with one number only that of TCP', () => {
    const ports = [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ];
    expect(plan(service({ ports }))?.ports).toMatchObject([{ number: 53, protocol: 'tcp' }]);
  });
});

describe('notices', () => {
  test.each<[JsonObject, JsonObject, readonly string[]]>([
    [{}, {}, []],
    [{ internalTrafficPolicy: 'Cluster', externalTrafficPolicy: 'Local' }, {}, []],
    [
      { internalTrafficPolicy: 'Local' },
      {},
      ['spec.internalTrafficPolicy: Local is left to the nodes: connections go to its address without mutual TLS'],
    ],
    [
      { trafficDistribution: 'PreferClose' },
      {},
      ['spec.trafficDistribution: PreferClose is not followed: all ready endpoints are used alike'],
    ],
    [
      {},
      { annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
      ['service.kubernetes.io/topology-mode: Auto is not followed: all ready endpoints are used alike'],
    ],
    [{}, { annotations: { 'service.kubernetes.io/topology-aware-hints': 'Disabled' } }, []],
    [
      {},
      { annotations: { 'networking.istio.io/exportTo': '.,shop' } },
      [
        'networking.istio.io/exportTo: .,shop is not followed: it can be * or ~ only, so all namespaces know the Service',
      ],
    ],
    [{}, { annotations: { 'networking.istio.io/exportTo': '*' } }, []],
    [{ type: 'ExternalName', externalName: 'example.com', trafficDistribution: 'PreferClose' }, {}, []],
  ])('%j %j', (spec, metadata, expected) => {
    expect(noticesOf(readService(service(spec, metadata)))).toEqual(expected);
  });
});

describe('listeners', () => {
  function listeners(
    spec: JsonObject,
    settings: ProxyChanges = {},
    ...objects: readonly JsonObject[]
  ): readonly JsonObject[] {
    const found = plan(service(spec), ...objects);
    return found === undefined ? [] : serviceListeners(found, proxyIntent(settings)).map(({ json }) => json);
  }

  /** How a listener reads connections: by its listener filters and its filter chains. */
  function reading(port: JsonObject, settings?: ProxyChanges): string {
    const [listener] = listeners({ ports: [port] }, settings);
    const named = (field: string): readonly { readonly name: string }[] =>
      (listener?.[field] as readonly { readonly name: string }[] | undefined) ?? [];
    return [...named('listener_filters'), ...named('filter_chains')].map(({ name }) => name).join(' ');
  }

  test.each<[JsonObject, string]>([
    [{ name: 'http', port: 9000 }, 'tls_inspector http'],
    [{ name: 'tcp', port: 80 }, ''],
    [{ name: '', port: 80 }, 'tls_inspector http_inspector http'],
    // Nothing says that it is HTTP, so nothing may be lost.
    [{ name: '', port: 9000 }, ''],
  ])('%j: %j', (port, expected) => {
    expect(reading(port)).toBe(expected);
  });

  test('the settings say which ports without a name are read', () => {
    expect(reading({ name: '', port: 9000 }, { httpPorts: [{ first: 9000, last: 9000 }] })).toContain('http_inspector');
    expect(reading({ name: '', port: 80 }, { opaquePorts: [{ first: 80, last: 80 }] })).toBe('');
  });

  test('of both families, unless the proxy captures only one', () => {
    expect(listeners(dual).map(({ name }) => name)).toEqual(['10.96.0.5_80', 'fd96::5_80']);
    expect(listeners(dual, { families: ['v4'] }).map(({ name }) => name)).toEqual(['10.96.0.5_80']);
  });

  test('of a headless Service, at the addresses of pods that take mutual TLS, ready or not', () => {
    const slices = slice('a', [endpoint('10.0.0.1', { ready: false }, 'one'), endpoint('10.0.0.2', ready)]);
    const found = listeners({ clusterIP: 'None', clusterIPs: ['None'] }, {}, slices, pod('one'));
    expect(found.map(({ name }) => name)).toEqual(['10.0.0.1_8080']);
  });

  const headless = { clusterIP: 'None', clusterIPs: ['None'] };
  const foreign = { kind: 'Pod', namespace: 'bank', name: 'vault' };
  const vault = {
    ...pod('vault'),
    metadata: { namespace: 'bank', name: 'vault', uid: 'v', labels: { 'security.istio.io/tlsMode': 'istio' } },
  };

  // One address has one listener: who writes slices must not decide on the addresses of others.
  test.each<[string, JsonObject, JsonObject]>([
    ["another namespace's pod", { addresses: ['10.0.0.1'], targetRef: foreign }, vault],
    ['an address that its pod does not have', endpoint('10.96.0.10', ready, 'one'), pod('one')],
    [
      "an address of the pod's node",
      endpoint('10.0.0.1', ready, 'one'),
      { ...pod('one'), spec: { ...(pod('one')['spec'] as JsonObject), hostNetwork: true } },
    ],
    ['the same address, written in another way', endpoint('010.0.0.1', ready, 'one'), pod('one')],
  ])('none of a headless Service whose slice names %s', (_, one, its) => {
    expect(listeners(headless, {}, slice('a', [one]), its)).toEqual([]);
  });

  test('one for each of very many ports', () => {
    const ports = Array.from({ length: 1_000 }, (_, index) => ({ name: `http-${index}`, port: 1_000 + index }));
    expect(new Set(listeners({ ports }).map(({ name }) => name)).size).toBe(1_000);
  });
});

test('with session affinity an endpoint is picked by the address of the client', () => {
  const found = plan(service({ sessionAffinity: 'ClientIP' }));
  if (found === undefined) throw new Error('there is a plan');
  const [cluster, , routes] = serviceResources(found).map(({ json }) => json);
  expect(cluster).toMatchObject({ lb_policy: 'RING_HASH' });
  expect(JSON.stringify(routes)).toContain('"hash_policy":[{"connection_properties":{"source_ip":true}}]');
  const [listener] = serviceListeners(found, proxyIntent());
  expect(JSON.stringify(listener)).toContain('"hash_policy":[{"source_ip":{}}]');
});
