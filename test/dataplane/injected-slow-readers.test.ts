import { afterAll, beforeAll, describe } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import { lineOf } from '../support/network/as-without-a-proxy/line.ts';
import { slowPorts, testSlowReaders } from '../support/network/as-without-a-proxy/slow-readers.ts';
import { directions, openScene, type Scene } from '../support/network/scene.ts';

let scene: Scene;

beforeAll(async () => {
  const excluded = slowPorts.plain.join(',');
  const annotations = {
    'traffic.sidecar.istio.io/excludeInboundPorts': excluded,
    'traffic.sidecar.istio.io/excludeOutboundPorts': excluded,
  };
  scene = await openScene({ label: 'slow', pod: podWith({ annotations }) });
  for (const agent of [scene.app, scene.outside]) {
    for (const port of Object.values(slowPorts).flat()) await agent.listen({ kind: 'exchange', port });
  }
});

afterAll(() => scene.stop());

describe.each(directions)('%s', (direction) => {
  testSlowReaders(() => lineOf(scene, direction));
});
