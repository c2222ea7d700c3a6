import { afterAll, beforeAll, jest, test } from '@jest/globals';
import { openMesh, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { labelled, observe, type Observer } from '../support/mesh/observed-mesh.ts';
import { eventually } from '../support/waiting.ts';

jest.setTimeout(60_000);

const address = '10.96.0.5';
/** Series of one metric that one proxy counts of one Service that it calls. Of its callers it counts more. */
const most = 200;
const all = 220;

let scene: MeshScene;
let front: MeshPod;
let cart: MeshPod;
let observer: Observer;

beforeAll(async () => {
  scene = await openMesh('limits', [labelled('front', 'v1'), labelled('cart', 'v2')]);
  ({ 'front-v1': front, 'cart-v2': cart } = scene.pods as Record<'front-v1' | 'cart-v2', MeshPod>);
  await cart.app.listen({ kind: 'http', port: 8080 });
  scene.set(...serviceObjects('cart', address, [{ name: 'http', port: 80, target: 8080 }], [cart]));
  await scene.controlPlane.untilInSync(2);
  observer = await observe(scene, [front, cart]);
});

afterAll(async () => {
  await observer.stop();
  await scene.stop();
});

test('series of an application that answers with all codes are capped at the client, which says so', async () => {
  for (let code = 300; code < 300 + all; code++) await front.app.ask({ url: `http://${address}/status/${code}` });
  await eventually(
    () => observer.query('envoy_server_stats_overflow_counter > 0'),
    ({ length }) => length === 1,
  );
  // The counter may come from a page that was begun before the last request.
  await eventually(
    () => observer.query('istio_requests_total{reporter="source"}'),
    ({ length }) => length === most,
  );
  await eventually(
    () => observer.query('istio_requests_total{reporter="destination"}'),
    ({ length }) => length === all,
  );
});
