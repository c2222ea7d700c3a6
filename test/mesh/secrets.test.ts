import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { openMesh, serviceObjects, tokenOf, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { secretsIn } from '../support/mesh/key-traces.ts';

jest.setTimeout(120_000);

// Proxies that log all that they can, with certificates that are renewed, and one whose token is not taken.

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;

const address = '10.96.0.5';
/** An HTTP proxy that does not exist. */
const nobody = 'http://127.0.0.1:9';

beforeAll(async () => {
  scene = await openMesh('secrets', [
    { name: 'front', logLevel: 'trace' },
    { name: 'cart', logLevel: 'trace', environment: { grpc_proxy: nobody, https_proxy: nobody, http_proxy: nobody } },
  ]);
  ({ front, cart } = scene.pods as Record<'front' | 'cart', MeshPod>);
  await cart.app.listen({ kind: 'http', port: 8080 });
  scene.set(...serviceObjects('cart', address, [{ name: 'http', port: 80, target: 8080 }], [cart]));
  await scene.controlPlane.untilInSync(2);
});

afterAll(() => scene.stop());

const call = () => front.app.ask({ url: `http://${address}/` });

test('what is looked for is found where it is', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
  const key = privateKey.export({ type: 'pkcs8', format: 'der' });
  expect(secretsIn(pem, [])).toEqual(['a label of PEM', 'DER in base64']);
  expect(secretsIn(key.toString('hex').toUpperCase(), [])).toEqual(['DER in hexadecimal digits']);
  expect(secretsIn(key, [])).toEqual(['DER as it is']);
  expect(secretsIn('a bearer of words', ['words'])).toEqual(['"words"']);
  expect(secretsIn(`x${btoa('a longer secret')}`, ['a longer secret'])).toEqual(['"a longer secret"']);
  expect(secretsIn(JSON.stringify(scene.authorities), [])).toContain('a label of PEM');
});

test('a token goes to the control plane alone, past HTTP proxies that the environment of a proxy names', () => {
  const listening = scene.controlPlane.lines.filter(({ type }) => type === 'turned-away');
  expect(listening).toEqual([]);
  expect(cart.admin('/config_dump')).toContain('"grpc.enable_http_proxy"');
});

test('no key and no token is in a log, a page or a bootstrap', async () => {
  expect((await call()).status).toBe(200);
  scene.controlPlane.say({ type: 'renew' });
  await scene.controlPlane.untilInSync(2);
  expect((await call()).status).toBe(200);
  await scene.restartControlPlane();
  await scene.controlPlane.untilInSync(2);
  expect((await call()).status).toBe(200);
  const tokens = [tokenOf('front'), tokenOf('cart')];
  for (const pod of [front, cart]) {
    const pages = [
      '/config_dump?include_eds',
      '/certs',
      '/clusters',
      '/listeners',
      '/stats',
      '/server_info',
      '/init_dump',
    ];
    const found = pages.map((page) => [page, secretsIn(pod.admin(page), tokens)]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(pages.map((page) => [page, []])));
    // That the pages and the log are those of proxies with certificates.
    expect(pod.admin('/config_dump')).toContain('[redacted]');
    expect(pod.log()).toContain('[trace]');
    expect(secretsIn(pod.log(), tokens)).toEqual([]);
  }
  expect(secretsIn(JSON.stringify(scene.controlPlane.lines), tokens)).toEqual([]);
});
