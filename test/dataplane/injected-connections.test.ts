import { afterAll, beforeAll, describe } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import { lineOf } from '../support/network/as-without-a-proxy/line.ts';
import { loginPorts, testLogins } from '../support/network/as-without-a-proxy/logins.ts';
import { directions, openScene, type Scene } from '../support/network/scene.ts';

let scene: Scene;

beforeAll(async () => {
  const annotations = {
    'traffic.sidecar.istio.io/excludeInboundPorts': String(loginPorts.plain),
    'traffic.sidecar.istio.io/excludeOutboundPorts': String(loginPorts.plain),
  };
  scene = await openScene({ label: 'connections', pod: podWith({ annotations }) });
  for (const agent of [scene.app, scene.outside]) {
    for (const port of Object.values(loginPorts)) await agent.listen({ kind: 'http', port });
  }
});

afterAll(() => scene.stop());

describe.each(directions)('%s', (direction) => {
  testLogins(() => lineOf(scene, direction));
});
