import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import * as fc from '../support/fast-check.ts';
import type { JsonObject } from '../../src/json/json.ts';
import { askAt, bannerAt, podOf } from '../support/mesh/calls.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { clusterIps, endpointOf, objectsOf, type Slice } from '../support/mesh/service-objects.ts';
import { serviceWithEndpoints } from '../support/mesh/random-objects.ts';
import type { Heard } from '../support/network/agent.ts';
import { url } from '../support/network/scene.ts';

jest.setTimeout(60_000);

/*
 * What clients see of each kind of Service. The hub plays the node: it has the addresses that a control plane knows nothing about,
 * and those that it leaves to the node, and serves there.
 */

const ofNode = { external: '10.96.9.1', local: '10.96.9.2' } as const;
const portOfNode = 8099;
const excluded = 8090;

let scene: MeshScene;
let front: MeshPod;
let one: MeshPod;
let two: MeshPod;
let legacy: MeshPod;

beforeAll(async () => {
  scene = await openMesh('services', [
    // Whoever waits for a client's first words waits longer than any test.
    { name: 'front', settings: { protocolDetectionTimeoutMs: 60_000 } },
    { name: 'cart-1', serviceAccount: 'cart' },
    {
      name: 'cart-2',
      serviceAccount: 'cart',
      uncaptured: [excluded],
    },
    { name: 'legacy', proxy: 'none' },
  ]);
  const named = (name: string): MeshPod => scene.pods[name] as MeshPod;
  [front, one, two, legacy] = [named('front'), named('cart-1'), named('cart-2'), named('legacy')];
  for (const { app, network, name } of [one, two, legacy]) {
    for (const port of [8080, excluded]) await app.listen({ kind: 'http', port });
    await app.listen({ kind: 'banner', port: 9000, text: `${name}\n` });
    // In one family only, as applications do that say where they listen.
    await app.listen({ kind: 'banner', port: 9004, host: network.v4, text: 'by IPv4\n' });
    await app.listen({ kind: 'banner', port: 9006, host: network.v6, text: 'by IPv6\n' });
  }
  for (const address of Object.values(ofNode)) {
    const added = scene.network.run(scene.network.hub, ['ip', 'address', 'add', `${address}/32`, 'dev', 'br0']);
    expect(added.status).toBe(0);
  }
  await scene.outside.listen({ kind: 'http', port: portOfNode });
});

afterAll(() => scene.stop());

async function apply(...objects: readonly JsonObject[]): Promise<void> {
  scene.set(...objects);
  await scene.controlPlane.untilInSync(3);
}

test('an address of a Service leads to endpoints of its own family', async () => {
  const ports = { v4: 9004, v6: 9006 };
  await apply(
    ...objectsOf(
      'dual',
      clusterIps('10.96.1.1', 'fd96::1'),
      [
        { name: 'v4', port: 4 },
        { name: 'v6', port: 6 },
      ],
      [
        ['IPv4', [endpointOf(one), endpointOf(two)], ports],
        ['IPv6', [endpointOf(one, 'v6'), endpointOf(two, 'v6')], ports],
      ],
    ),
  );
  // An application that listens in one family is never called in the other.
  for (let times = 0; times < 8; times += 1) {
    expect(await bannerAt(front.app, '10.96.1.1', 4)).toBe('by IPv4\n');
    expect(await bannerAt(front.app, 'fd96::1', 6)).toBe('by IPv6\n');
  }
  expect((await front.app.dial({ host: 'fd96::1', port: 4, untilClosed: true })).text).toBe('');
});

describe('session affinity', () => {
  const ports = [
    { name: 'http', port: 80 },
    { name: 'tcp', port: 81 },
  ];
  const targets = { http: 8080, tcp: 9000 };

  async function visited(address: string): Promise<{ readonly http: number; readonly tcp: number }> {
    const http = new Set<string>();
    const tcp = new Set<string>();
    for (let times = 0; times < 12; times += 1) {
      http.add(podOf(await askAt(front.app, address, 80)));
      tcp.add(await bannerAt(front.app, address, 81));
    }
    return { http: http.size, tcp: tcp.size };
  }

  test('by the address of the client: one endpoint for all connections', async () => {
    const endpoints = [endpointOf(one), endpointOf(two), endpointOf(legacy)];
    await apply(
      ...objectsOf('sticky', { ...clusterIps('10.96.1.2'), sessionAffinity: 'ClientIP' }, ports, [
        ['IPv4', endpoints, targets],
      ]),
      ...objectsOf('loose', clusterIps('10.96.1.3'), ports, [['IPv4', endpoints, targets]]),
    );
    expect(await visited('10.96.1.2')).toEqual({ http: 1, tcp: 1 });
    const loose = await visited('10.96.1.3');
    expect(loose.http).toBeGreaterThan(1);
    expect(loose.tcp).toBeGreaterThan(1);
  });

  test('ends with the endpoint: the next one is asked', async () => {
    const gone = podOf(await askAt(front.app, '10.96.1.2', 80));
    const rest = [one, two, legacy].filter(({ network }) => network.v4 !== gone).map((pod) => endpointOf(pod));
    await apply(
      ...objectsOf('sticky', { ...clusterIps('10.96.1.2'), sessionAffinity: 'ClientIP' }, ports, [
        ['IPv4', rest, targets],
      ]),
    );
    expect(podOf(await askAt(front.app, '10.96.1.2', 80))).not.toBe(gone);
  });
});

test('endpoints may listen on different ports, and be none of pods', async () => {
  await apply(
    ...objectsOf(
      'named',
      clusterIps('10.96.1.4'),
      [{ name: 'http', port: 80, targetPort: 'web' }],
      [
        ['IPv4', [endpointOf(one)], { http: 8080 }],
        ['IPv4', [{ addresses: [legacy.network.v4] }], { http: excluded }],
      ],
    ),
  );
  const heard = new Set<string>();
  for (let times = 0; times < 12; times += 1) {
    const told = await askAt(front.app, '10.96.1.4', 80);
    heard.add(`${podOf(told)}:${told.localPort}`);
  }
  expect([...heard].toSorted()).toEqual([`${one.network.v4}:8080`, `${legacy.network.v4}:${excluded}`]);
});

test('a port that a pod leaves out of capture is called without mutual TLS', async () => {
  const ports = [{ name: 'http', port: 80 }];
  await apply(...objectsOf('apart', clusterIps('10.96.1.5'), ports, [['IPv4', [endpointOf(two)], { http: excluded }]]));
  // The address of the client itself: no proxy of the server was between them.
  expect((await askAt(front.app, '10.96.1.5', 80)).remoteAddress).toBe(`::ffff:${front.network.v4}`);
});

test.each<[string, JsonObject]>([
  ['that terminate and still serve', { ready: false, serving: true, terminating: true }],
  ['without conditions', {}],
])('where there are no others, endpoints %s are called', async (_, conditions) => {
  const ports = [{ name: 'http', port: 80 }];
  await apply(
    ...objectsOf('last', clusterIps('10.96.1.6'), ports, [
      ['IPv4', [endpointOf(one, 'v4', conditions), endpointOf(two, 'v4', { ready: false })], { http: 8080 }],
    ]),
  );
  for (let times = 0; times < 4; times += 1)
    expect(podOf(await askAt(front.app, '10.96.1.6', 80))).toBe(one.network.v4);
});

test('without an endpoint a request gets 503, and a connection ends', async () => {
  const ports = [
    { name: 'http', port: 80 },
    { name: 'tcp', port: 81 },
  ];
  await apply(...objectsOf('none', clusterIps('10.96.1.7'), ports, [['IPv4', [], { http: 8080, tcp: 9000 }]]));
  expect((await front.app.ask({ url: 'http://10.96.1.7/' })).status).toBe(503);
  expect(await front.app.dial({ host: '10.96.1.7', port: 81, untilClosed: true })).toMatchObject({
    text: '',
    ending: 'closed',
  });
});

test('a connection of TCP that one endpoint refuses is taken by another one', async () => {
  const ports = [{ name: 'tcp', port: 81 }];
  await apply(
    ...objectsOf('half', clusterIps('10.96.1.17'), ports, [
      ['IPv4', [endpointOf(one), endpointOf(two), endpointOf(legacy)], { tcp: 9000 }],
      // Nothing listens there.
      ['IPv4', [endpointOf(legacy)], { tcp: 9999 }],
    ]),
  );
  for (let times = 0; times < 60; times += 1) expect(await bannerAt(front.app, '10.96.1.17', 81)).not.toBe('');
});

describe('logins that belong to a connection', () => {
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: cart\r\n\r\n`;
  const ports = [{ name: 'http', port: 80 }];
  const others = ['bob', 'carol', 'dave', 'erin', 'frank', 'grace'];

  async function answersAt(host: string): Promise<readonly string[]> {
    const [, ...answers] = await front.app.converse({
      host,
      port: 80,
      steps: [
        { who: 'alice', send: get('/login?user=alice'), until: 'logged in' },
        ...['alice', ...others].map((who) => ({ who, send: get('/who'), until: who === 'alice' ? ' 200' : ' 401' })),
      ],
    });
    return answers.map((answer) => answer.slice(0, 12));
  }

  test.each<[string, JsonObject]>([
    ['with session affinity', { ...clusterIps('10.96.1.18'), sessionAffinity: 'ClientIP' }],
    ['with one endpoint', clusterIps('10.96.1.18')],
  ])('%s are kept', async (what, spec) => {
    const endpoints = what === 'with one endpoint' ? [endpointOf(one)] : [endpointOf(one), endpointOf(two)];
    await apply(...objectsOf('logins', spec, ports, [['IPv4', endpoints, { http: 8080 }]]));
    expect(await answersAt('10.96.1.18')).toEqual(['HTTP/1.1 200', ...others.map(() => 'HTTP/1.1 401')]);
  });
});

describe('left to the node', () => {
  const ports = [{ name: 'http', port: portOfNode }];
  const toCart: readonly Slice[] = [
    ['IPv4', [endpointOf({ name: 'nobody', network: { v4: '192.0.2.1' } } as MeshPod)], { http: 8080 }],
  ];

  test.each<[string, string, JsonObject]>([
    [
      'ExternalName: the address that its name has',
      ofNode.external,
      { type: 'ExternalName', externalName: 'node.example' },
    ],
    ['internalTrafficPolicy: Local', ofNode.local, { ...clusterIps(ofNode.local), internalTrafficPolicy: 'Local' }],
    ['external addresses', ofNode.external, { ...clusterIps('10.96.1.12'), externalIPs: [ofNode.external] }],
    [
      'ports of the nodes',
      ofNode.external,
      { ...clusterIps('10.96.1.12'), type: 'NodePort', externalTrafficPolicy: 'Local' },
    ],
  ])('%s', async (_, address, spec) => {
    await apply(...objectsOf('left', spec, ports, toCart));
    expect(podOf(await askAt(front.app, address, portOfNode))).toBe(address);
  });

  test('and what is not followed is told once', async () => {
    const objects = (more: JsonObject): readonly JsonObject[] =>
      objectsOf('wishes', { ...clusterIps('10.96.1.13'), ...more }, ports, toCart);
    for (const policy of ['Local', 'Local', 'Cluster']) await apply(...objects({ internalTrafficPolicy: policy }));
    await apply(...objects({ trafficDistribution: 'PreferClose' }));
    const told = scene.controlPlane.lines.filter(
      ({ type, service }) => type === 'noticed' && service === 'shop/wishes',
    );
    expect(told.map(({ notices }) => notices)).toEqual([
      ['spec.internalTrafficPolicy: Local is left to the nodes: connections go to its address without mutual TLS'],
      ['spec.trafficDistribution: PreferClose is not followed: all ready endpoints are used alike'],
    ]);
  });
});

test('the pages of another proxy are its own, and not those of the client', async () => {
  const metrics = async (host: string): Promise<number> =>
    (await front.app.ask({ url: url(host, 15_090, '/stats/prometheus') }).catch(() => ({ status: 0 }))).status;
  expect([await metrics(one.network.v4), await metrics(legacy.network.v4)]).toEqual([200, 0]);
});

test('whatever the name in a request, the address decides', async () => {
  await apply(...serviceObjects('any-host', '10.96.1.14', [{ name: 'http', port: 80, target: 8080 }], [one]));
  for (const host of ['sticky.shop', 'example.com', '*.example.com', 'legacy.shop.svc.cluster.local:9999']) {
    const heard = await askAt(front.app, '10.96.1.14', 80, { host });
    expect(podOf(heard)).toBe(one.network.v4);
    expect(heard.rawHeaders[heard.rawHeaders.findIndex((name) => name.toLowerCase() === 'host') + 1]).toBe(host);
  }
});

test('a headless Service leads to its pods, ready or not, and a peer by its own address', async () => {
  await apply(
    ...objectsOf(
      'peers',
      { clusterIP: 'None', clusterIPs: ['None'], publishNotReadyAddresses: true },
      [{ name: 'http', port: 8080 }],
      [
        ['IPv4', [endpointOf(one, 'v4', { ready: false }), endpointOf(two)], { http: 8080 }],
        ['IPv6', [endpointOf(one, 'v6', { ready: false }), endpointOf(two, 'v6')], { http: 8080 }],
      ],
    ),
  );
  for (const pod of [one, two]) {
    for (const address of [pod.network.v4, pod.network.v6]) {
      const { localAddress, rawHeaders } = await askAt(front.app, address, 8080);
      expect(podOf({ localAddress } as Heard)).toBe(address);
      // It came by mutual TLS: the server's proxy says who asks.
      expect(rawHeaders.join('\n')).toContain('URI=spiffe://cluster.local/ns/shop/sa/front');
    }
  }
  expect(podOf(JSON.parse((await one.app.ask({ url: url(two.network.v4, 8080) })).body) as Heard)).toBe(two.network.v4);
});

test('of two Services with one address the first by name counts, and then the other one', async () => {
  const ports = [{ name: 'http', port: 80, target: 8080 }];
  const first = serviceObjects('twin-a', '10.96.1.15', ports, [one]);
  await apply(...serviceObjects('twin-b', '10.96.1.15', ports, [two]), ...first);
  expect(podOf(await askAt(front.app, '10.96.1.15', 80))).toBe(one.network.v4);
  scene.delete(...first);
  await scene.controlPlane.untilInSync(3);
  expect(podOf(await askAt(front.app, '10.96.1.15', 80))).toBe(two.network.v4);
});

test(`real proxies accept what is made of random Services (seed ${fc.seed})`, async () => {
  const objects = fc.sample(serviceWithEndpoints, { numRuns: 60 }).flat();
  await apply(...objects.filter(({ kind }) => kind !== 'Pod'), ...objects.filter(({ kind }) => kind === 'Pod'));
  scene.delete(...objects);
  await scene.controlPlane.untilInSync(3);
});

test('no resource is one that Envoy would reject, and no proxy has rejected any', () => {
  expect(scene.controlPlane.complaints()).toEqual([]);
});
