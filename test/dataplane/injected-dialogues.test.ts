import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { podWith } from '../support/builders/decisions.ts';
import type { Agent, Told, Turn } from '../support/network/agent.ts';
import { farewells, other, shapes } from '../support/network/dialogues.ts';
import { destination, directions, openScene, type Scene } from '../support/network/scene.ts';

/** Ports that nobody has declared: one behind the proxy, and one that nothing captures, which is how it is without a proxy. */
const ports = { captured: 9000, excluded: 9180 };

let scene: Scene;

beforeAll(async () => {
  const annotations = {
    'traffic.sidecar.istio.io/excludeInboundPorts': String(ports.excluded),
    'traffic.sidecar.istio.io/excludeOutboundPorts': String(ports.excluded),
  };
  // Far longer than any dialogue, so that nothing passes because an inspection has given up.
  const settings = { proxy: { protocolDetectionTimeoutMs: 60_000 } };
  scene = await openScene({ label: 'dialogues', pod: podWith({ annotations }), settings });
});

afterAll(() => scene.stop());

test('there are enough shapes', () => {
  expect(shapes.length).toBeGreaterThanOrEqual(72);
  expect(farewells.length).toBeGreaterThanOrEqual(28);
});

describe.each(directions)('%s', (direction) => {
  /** What both sides have heard of so many dialogues. */
  async function heard(
    port: number,
    turns: readonly Turn[],
    count: number,
  ): Promise<Record<Turn['by'], readonly Told[]>> {
    const [client, server]: readonly Agent[] =
      direction === 'inbound' ? [scene.outside, scene.app] : [scene.app, scene.outside];
    if (client === undefined || server === undefined) throw new Error('a dialogue needs two');
    await server.rehearse({ port, turns });
    const told = await client.speak({ host: destination(direction, 'v4'), port, turns, count });
    return { client: told, server: await server.recall({ port, count }) };
  }

  test.each(shapes)('$name', async ({ turns }) => {
    const captured = await heard(ports.captured, turns, 1);
    expect(captured).toEqual(await heard(ports.excluded, turns, 1));
    expect(captured.client.map(({ ending }) => ending)).toEqual(['end']);
  });

  test.each(farewells)('$name', async ({ by, send, pauseMs }) => {
    const turns: readonly Turn[] = [{ by, send, pauseMs, leave: 'close' }];
    const captured = await heard(ports.captured, turns, 5);
    expect(captured).toEqual(await heard(ports.excluded, turns, 5));
    expect(captured[other[by]].map(({ bytes }) => bytes)).toEqual(Array.from({ length: 5 }, () => send.length));
  });
});
