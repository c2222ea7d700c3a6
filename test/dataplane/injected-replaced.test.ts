import { afterAll, beforeAll, describe } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import { lineOf } from '../support/network/as-without-a-proxy/line.ts';
import { replacedPorts, testReplacedServers } from '../support/network/as-without-a-proxy/replaced-servers.ts';
import { directions, openScene, type Scene } from '../support/network/scene.ts';

let scene: Scene;

beforeAll(async () => {
  const excluded = Object.values(replacedPorts.plain).join(',');
  const annotations = {
    'traffic.sidecar.istio.io/excludeInboundPorts': excluded,
    'traffic.sidecar.istio.io/excludeOutboundPorts': excluded,
  };
  scene = await openScene({ label: 'replaced', pod: podWith({ annotations }) });
});

afterAll(() => scene.stop());

describe.each(directions)('%s: a client with a kept connection', (direction) => {
  testReplacedServers(() => lineOf(scene, direction));
});
