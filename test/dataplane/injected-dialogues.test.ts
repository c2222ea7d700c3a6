import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import { dialoguePorts, dialogues, farewells, testDialogues } from '../support/network/as-without-a-proxy/dialogues.ts';
import { lineOf } from '../support/network/as-without-a-proxy/line.ts';
import { directions, openScene, type Scene } from '../support/network/scene.ts';

let scene: Scene;

beforeAll(async () => {
  const annotations = {
    'traffic.sidecar.istio.io/excludeInboundPorts': String(dialoguePorts.excluded),
    'traffic.sidecar.istio.io/excludeOutboundPorts': String(dialoguePorts.excluded),
  };
  // Far longer than any dialogue, so that nothing passes because an inspection has given up.
  const settings = { proxy: { protocolDetectionTimeoutMs: 60_000 } };
  scene = await openScene({ label: 'dialogues', pod: podWith({ annotations }), settings });
});

afterAll(() => scene.stop());

test('there are enough shapes', () => {
  expect(dialogues.length).toBeGreaterThanOrEqual(72);
  expect(farewells.length).toBeGreaterThanOrEqual(28);
});

describe.each(directions)('%s', (direction) => {
  testDialogues(() => lineOf(scene, direction));
});
