import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';

jest.setTimeout(60_000);
let scene: MeshScene;
beforeAll(async () => {
  scene = await openMesh('tele', [{ name: 'front' }, { name: 'cart' }, { name: 'legacy', proxy: 'none' }]);
  const { cart, legacy } = scene.pods as Record<string, MeshPod>;
  const ports = [
    { name: 'http', port: 80, target: 8080 },
    { name: 'tcp-greeting', port: 81, target: 9000 },
    { name: 'grpc', port: 82, target: 8082 },
  ];
  for (const pod of [cart, legacy]) {
    await pod!.app.listen({ kind: 'http', port: 8080 });
    await pod!.app.listen({ kind: 'banner', port: 9000, text: 'hello\n' });
    await pod!.app.listen({ kind: 'grpc', port: 8082 });
  }
  scene.set(
    ...serviceObjects('cart', '10.96.0.5', ports, [cart!]),
    ...serviceObjects('legacy', '10.96.0.6', ports, [legacy!]),
  );
  await scene.controlPlane.untilInSync(2);
});
afterAll(() => scene.stop());

test('look', async () => {
  const { front, cart, legacy } = scene.pods as { front: MeshPod; cart: MeshPod; legacy: MeshPod };
  const results: unknown[] = [];
  results.push((await front.app.ask({ url: `http://10.96.0.5/a` })).status);
  results.push((await front.app.ask({ url: `http://10.96.0.6/a` })).status);
  results.push((await front.app.dial({ host: '10.96.0.5', port: 81, send: 'four' })).text);
  results.push((await front.app.dial({ host: '10.96.0.6', port: 81, send: 'four' })).text);
  const headers = { 'content-type': 'application/grpc', te: 'trailers' };
  const message = Buffer.from([0, 0, 0, 0, 0]);
  const body = Buffer.concat([message, message]).toString('base64');
  results.push(await front.app.askHttp2({ url: 'http://10.96.0.5:82/grpc.health.v1.Health/Check', headers, body }));
  console.log(results, scene.controlPlane.lines.filter(({ type }) => type!=='accepted').slice(-8), cart.admin('/listeners'));
  results.push((await legacy.app.ask({ url: `http://${cart.network.v4}:8080/a` })).status);
  results.push((await legacy.app.dial({ host: cart.network.v4, port: 9000, send: 'four' })).text);
  await new Promise((r) => setTimeout(r, 300));
  console.log(results);
  console.log(front.log().slice(-3000), cart.log().slice(-3000));
  for (const pod of [front, cart]) {
    const page = (await scene.outside.ask({ url: `http://${pod.network.v4}:15020/stats/prometheus` })).body;
    console.log(page.split('\n').filter((line) => line.includes('istio_') && !line.includes('_bucket')).join('\n'));
  }
  console.log(scene.controlPlane.lines.filter(({ type }) => ['refused', 'rejected', 'unanswered'].includes(type)));
  expect(1).toBe(1);
});
