import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { block } from '../support/mesh/blocked-pod.ts';
import {
  certManagerValues,
  istioValues,
  makeForeign,
  type ForeignCertificate,
} from '../support/mesh/foreign-authorities.ts';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { manyRequests, underLoadOnce } from '../support/mesh/under-load.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(180_000);

// The root of the mesh is replaced while clients call servers, and while one proxy cannot reach the control plane.

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;
let away: MeshPod;

const address = '10.96.0.5';

beforeAll(async () => {
  scene = await openMesh('roots', [{ name: 'front' }, { name: 'cart' }, { name: 'away' }]);
  ({ front, cart, away } = scene.pods as Record<'front' | 'cart' | 'away', MeshPod>);
  await cart.app.listen({ kind: 'http', port: 8080 });
  await cart.app.listen({ kind: 'banner', port: 9000, text: 'hello\n' });
  const ports = [
    { name: 'http', port: 80, target: 8080 },
    { name: 'tcp', port: 81, target: 9000 },
  ];
  scene.set(...serviceObjects('cart', address, ports, [cart]));
  await scene.controlPlane.untilInSync(3);
});

afterAll(() => scene.stop());

/** Serial number of the certificate that a proxy shows, and the common names of the roots that it knows. */
function identityOf(pod: MeshPod): { readonly leaf: string; readonly roots: readonly string[] } {
  const { certificates } = JSON.parse(pod.admin('/certs')) as {
    certificates: { ca_cert: { serial_number: string }[]; cert_chain: { serial_number: string }[] }[];
  };
  const serials = (part: 'ca_cert' | 'cert_chain') =>
    certificates.flatMap((one) => one[part].map(({ serial_number: serial }) => serial));
  return { leaf: serials('cert_chain')[0] ?? '', roots: [...new Set(serials('ca_cert'))] };
}

const untilPhase = (phase: string, generation: number): Promise<unknown> =>
  until(`phase ${phase}`, () =>
    scene.controlPlane.lines.find(
      (line) => line.type === 'root' && line['phase'] === phase && line['generation'] === generation,
    ),
  );

/** Opens connections of TCP, each with a handshake of its own, until the end. */
function dialAllTheTime(pod: MeshPod): () => Promise<{ readonly count: number; readonly failures: readonly string[] }> {
  const failures: string[] = [];
  let isOver = false;
  let count = 0;
  const dialling = (async () => {
    while (!isOver) {
      const { text, ending } = await pod.app.dial({ host: address, port: 81, until: '\n' });
      count += 1;
      if (text !== 'hello\n') failures.push(`${ending}: ${text}`);
    }
  })();
  return async () => {
    isOver = true;
    await dialling;
    return { count, failures };
  };
}

test('no request and no connection fails while the root is replaced, and a proxy that was away comes back', async () => {
  const [first] = identityOf(front).roots;
  const letThrough = block(scene, away, 'reset');
  await scene.restartControlPlane();
  await scene.controlPlane.untilInSync(2);
  const stop = dialAllTheTime(front);
  const requests = await underLoadOnce(front.app, `http://${address}/`, async () => {
    scene.controlPlane.say({ type: 'rotate', request: 'once' });
    await untilPhase('trust', 1);
    await until(
      'both roots',
      () => (identityOf(cart).roots.length === 2 && identityOf(front).roots.length === 2) || undefined,
    );
    const before = identityOf(front).leaf;
    await untilPhase('sign', 2);
    await until('a certificate of the next root', () => identityOf(front).leaf !== before || undefined);
    // Whoever is away knows the old root only, and is known by all as long as its certificate lives.
    expect(identityOf(away).roots).toEqual([first]);
    await untilPhase('stable', 2);
    await scene.controlPlane.untilInSync(2);
    await until('the old root to be gone', () => !identityOf(cart).roots.includes(first ?? '') || undefined);

    letThrough();
    await scene.controlPlane.untilInSync(3);
    expect((await away.app.ask({ url: `http://${address}/back` })).status).toBe(200);
  });
  const connections = await stop();
  expect([connections.failures, requests.failures]).toEqual([[], []]);
  expect(connections.count).toBeGreaterThan(100);
  expect(requests.answered).toBeGreaterThanOrEqual(manyRequests);
  const all = [front, cart, away].map((pod) => identityOf(pod).roots);
  expect(new Set(all.map((roots) => roots.join())).size).toBe(1);
  expect(all[0]).toHaveLength(1);
  expect(all[0]).not.toContain(first);
});

test("the root is replaced by a company's, with an intermediate that signs, and then by another intermediate of it", async () => {
  const root = makeForeign({ name: 'Company Root', key: 'RSA' });
  const between = makeForeign({ name: 'Company Between', key: 'P-384', issuer: root });
  const [one, another] = (['RSA', 'P-256'] as const).map((key) =>
    makeForeign({ name: `Mesh ${key}`, key, issuer: between }),
  ) as [ForeignCertificate, ForeignCertificate];
  const generation = (): number =>
    Number(scene.controlPlane.lines.findLast(({ type }) => type === 'root')?.['generation'] ?? 1);
  const before = generation();
  const load = dialAllTheTime(front);
  scene.controlPlane.say({ type: 'give', data: istioValues(one, between, root) });
  await untilPhase('trust', before);
  await untilPhase('sign', before + 1);
  await untilPhase('stable', before + 1);
  const serial = new X509Certificate(root.certificate).serialNumber.toLowerCase();
  await until('the company root alone', () => identityOf(cart).roots.join() === serial || undefined);
  const { leaf } = identityOf(front);
  scene.controlPlane.say({ type: 'give', data: certManagerValues(another, between, root) });
  await untilPhase('stable', before + 2);
  await until('a certificate of the other intermediate', () => identityOf(front).leaf !== leaf || undefined);
  expect((await front.app.ask({ url: `http://${address}/company` })).status).toBe(200);
  scene.controlPlane.say({ type: 'give', data: { 'tls.crt': 'garbage', 'tls.key': 'garbage' } });
  expect((await front.app.ask({ url: `http://${address}/garbage` })).status).toBe(200);
  const { failures } = await load();
  expect(failures).toEqual([]);
  expect(scene.controlPlane.complaints()).toEqual([]);
});
