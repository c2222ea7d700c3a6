import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import type { MtlsMode } from '../../src/mesh/rules/security/peer-authentication.ts';
import { block } from '../support/mesh/blocked-pod.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { manyRequests, underLoad } from '../support/mesh/under-load.ts';
import { url } from '../support/network/scene.ts';
import { eventually, until } from '../support/waiting.ts';

jest.setTimeout(120_000);

/*
 * PeerAuthentication with real proxies: what a pod takes in each mode, and that no request is lost on the way from one to another.
 */

const address = '10.96.0.5';

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;

beforeAll(async () => {
  scene = await openMesh('modes', [{ name: 'front' }, { name: 'cart', settings: { accessLog: 'stdout' } }]);
  [front, cart] = [scene.pods['front'] as MeshPod, scene.pods['cart'] as MeshPod];
  await cart.app.listen({ kind: 'http', port: 8080 });
  await cart.app.listen({ kind: 'echo', port: 8081 });
  await cart.app.listen({ kind: 'http', port: 8082 });
  await cart.app.listen({ kind: 'grpc', port: 8083 });
  const ports = [
    { name: 'http', port: 80, target: 8080 },
    { name: 'tcp', port: 81, target: 8081 },
    { name: 'http-other', port: 82, target: 8082 },
    { name: 'grpc', port: 83, target: 8083 },
  ];
  scene.set(...serviceObjects('cart', address, ports, [cart]));
  await scene.controlPlane.untilInSync(2);
});

afterAll(() => scene.stop());

const authentication = (spec: JsonObject, name = 'default', namespace = 'shop'): JsonObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'PeerAuthentication',
  metadata: { namespace, name, uid: name, generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec,
});

/** Number of the lines that tell of the last step of the server. */
function ends(): number {
  return scene.controlPlane.lines.filter(
    (line) => line.type === 'stepped' && line['pod'] === 'shop/cart' && line['waitsFor'] === undefined,
  ).length;
}

/** Does something that leads the server to other modes, and waits until it is there. */
async function lead(change: () => void): Promise<void> {
  const before = ends();
  change();
  await until('the server in other modes', () => ends() > before || undefined);
}

const plain = 'GET / HTTP/1.1\r\nHost: cart\r\nConnection: close\r\n\r\n';

/** What somebody without a proxy gets. */
async function fromOutside(port: number, send = plain, end = 'HTTP/1.1 200'): Promise<string> {
  const { text, ending } = await scene.outside.dial({ host: cart.network.v4, port, send, until: end });
  return text.includes(end) ? 'answered' : ending;
}

async function fromFront(port: number): Promise<number> {
  return (await front.app.ask({ url: url(address, port) })).status;
}

/** Whether the last request came by mutual TLS. */
async function isSecured(): Promise<boolean> {
  const { body } = await front.app.ask({ url: url(address, 80) });
  return body.toLowerCase().includes('x-forwarded-client-cert');
}

describe('modes', () => {
  test('STRICT: nothing in plain text gets in, and clients of the mesh notice nothing', async () => {
    expect([await fromOutside(8080), await fromOutside(8081, 'some bytes\n', 'some')]).toEqual([
      'answered',
      'answered',
    ]);
    await lead(() => scene.set(authentication({ mtls: { mode: 'STRICT' } })));
    expect([await fromOutside(8080), await fromOutside(8081, 'some bytes\n', 'some')]).toEqual(['closed', 'closed']);
    expect([await fromFront(80), await fromFront(82), await isSecured()]).toEqual([200, 200, true]);
  });

  test('when it is in force, no connection in plain text is left', async () => {
    await lead(() => scene.set(authentication({ mtls: { mode: 'PERMISSIVE' } })));
    const stay = { host: cart.network.v4, untilClosed: true, limitMs: 30_000 };
    const kept = 'GET / HTTP/1.1\r\nHost: cart\r\n\r\n';
    const open = Promise.all([
      scene.outside.dial({ ...stay, port: 8080, send: kept }),
      scene.outside.dial({ ...stay, port: 8081, send: 'some bytes\n' }),
    ]);
    await until('two connections in plain text', async () => {
      const [http, tcp] = [await cart.app.connected({ port: 8080 }), await cart.app.connected({ port: 8081 })];
      return (http > 0 && tcp > 0) || undefined;
    });
    await lead(() => scene.set(authentication({ mtls: { mode: 'STRICT' } })));
    // Whoever is still connected is asked first, and the answer of those that are not is there already.
    expect(await cart.app.connected({ port: 8081 })).toBe(0);
    const ends = await Promise.race([open, Promise.resolve().then(() => fromOutside(8080))]);
    expect(ends).toEqual([
      { text: expect.stringContaining('HTTP/1.1 200'), ending: 'closed', ms: expect.any(Number) },
      { text: expect.stringContaining('some bytes'), ending: 'closed', ms: expect.any(Number) },
    ]);
  });

  test('DISABLE: everything comes in plain text', async () => {
    await lead(() => scene.set(authentication({ mtls: { mode: 'DISABLE' } })));
    expect([await fromOutside(8080), await fromFront(80), await isSecured()]).toEqual(['answered', 200, false]);
  });

  test('a workload and a port of it stand above the namespace', async () => {
    const spec = {
      selector: { matchLabels: { app: 'cart' } },
      mtls: { mode: 'STRICT' },
      portLevelMtls: { 8082: { mode: 'DISABLE' } },
    };
    await lead(() => scene.set(authentication(spec, 'cart')));
    expect([await fromOutside(8080), await fromOutside(8082), await fromFront(80), await fromFront(82)]).toEqual([
      'closed',
      'answered',
      200,
      200,
    ]);
    expect(await isSecured()).toBe(true);
    await lead(() => scene.delete(authentication(spec, 'cart')));
    expect(await fromOutside(8080)).toBe('answered');
  });

  test('one that is not understood closes what it may govern', async () => {
    await lead(() => scene.set(authentication({ mtls: { mode: 'STRICTLY' } })));
    expect([await fromOutside(8080), await fromFront(80)]).toEqual(['closed', 200]);
    await lead(() => scene.delete(authentication({})));
    expect([await fromOutside(8080), await fromFront(80), await isSecured()]).toEqual(['answered', 200, true]);
  });
});

/** How long proxies of the tests keep connections that they take no longer. */
const drainMs = 1_000;

/** Every change from one mode to another. */
const changes: readonly MtlsMode[] = ['STRICT', 'DISABLE', 'STRICT', 'PERMISSIVE', 'DISABLE', 'PERMISSIVE'];

test(`none of ${manyRequests} requests, no connection and no stream is lost while modes change`, async () => {
  const talks = [
    { talk: 'new connections', port: 81, clients: 2 },
    { talk: 'kept connections', port: 81, clients: 4 },
    { talk: 'streams', port: 83, clients: 4 },
  ] as const;
  for (const one of talks) await front.app.startTalks({ ...one, host: address, keptMs: drainMs });
  let rounds = 0;
  const { answered, failures } = await underLoad(front.app, url(address, 80), async () => {
    for (const mode of changes) await lead(() => scene.set(authentication({ mtls: { mode } })));
    rounds += 1;
  });
  const talked = await front.app.stopTalks();
  expect([failures, ...Object.values(talked).map((one) => one.failures)]).toEqual([[], [], [], []]);
  expect(answered).toBeGreaterThanOrEqual(manyRequests);
  expect(Math.min(...Object.values(talked).map((one) => one.answered))).toBeGreaterThan(50);
  // Connections end, as they should, when what they use is not taken any more: that is so for four of the six changes.
  expect(talked['kept connections'].ended).toBeGreaterThan(0);
  expect(talked['kept connections'].ended).toBeLessThanOrEqual(rounds * 4 * 4);
});

test('a control plane that restarts in the middle of a change closes at once, whoever has not heard of it', async () => {
  await lead(() => scene.set(authentication({ mtls: { mode: 'DISABLE' } })));
  const told = scene.controlPlane.lines.length;
  const letThrough = block(scene, front, 'silence');
  try {
    scene.set(authentication({ mtls: { mode: 'STRICT' } }));
    await until('a server that waits for its clients', () =>
      scene.controlPlane.lines.slice(told).find((line) => line['waitsFor'] === 'clients'),
    );
    expect([await fromOutside(8080), await fromFront(80)]).toEqual(['answered', 200]);
    await scene.restartControlPlane();
    await scene.controlPlane.untilInSync(1);
    expect([await fromOutside(8080), await fromOutside(8081, 'some bytes\n', 'some')]).toEqual(['closed', 'closed']);
    // Its connection from before is kept for as long as proxies drain.
    await eventually(
      () => fromFront(80),
      (status) => status === 503,
    );
  } finally {
    letThrough();
  }
  await scene.controlPlane.untilInSync(2);
  expect([await fromFront(80), await isSecured()]).toEqual([200, true]);
});
