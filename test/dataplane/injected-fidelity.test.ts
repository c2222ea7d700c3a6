import { afterAll, beforeAll, describe } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import { serveFidelity, testFidelity } from '../support/network/as-without-a-proxy/fidelity.ts';
import { lineOf } from '../support/network/as-without-a-proxy/line.ts';
import { directions, openScene, type Scene } from '../support/network/scene.ts';

let scene: Scene;

beforeAll(async () => {
  // Far longer than any test waits, so that nothing passes as TCP because the proxy has given up.
  scene = await openScene({
    label: 'fidelity',
    pod: podWith({ annotations: { 'sidecar-injector.io/opaquePorts': '9082' } }),
    settings: { proxy: { protocolDetectionTimeoutMs: 60_000, httpPorts: '1-65535' } },
  });
  for (const agent of [scene.app, scene.outside]) await serveFidelity(agent);
});

afterAll(() => scene.stop());

describe.each(directions)('%s', (direction) => {
  testFidelity(() => lineOf(scene, direction));
});
