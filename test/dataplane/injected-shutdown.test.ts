import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { podWith } from '../support/builders/decisions.ts';
import { eventually } from '../support/waiting.ts';
import { addresses } from '../support/network/pod-namespace.ts';
import { openScene, url, type Scene } from '../support/network/scene.ts';

let scene: Scene;

afterEach(() => scene.stop());

// Long enough that a client nearly always waits for an answer.
const path = '/slow?ms=20';

/** Twenty clients with kept connections, and beside the pod another one of the same service. */
async function underLoad(label: string, pod: JsonObject): Promise<void> {
  scene = await openScene({ label, pod });
  await scene.app.listen({ kind: 'http', port: 8080 });
  await scene.outside.listen({ kind: 'http', port: 8080 });
  await scene.outside.startLoad({ url: url(addresses.pod.v4, 8080, path), clients: 20 });
  await pause(1_000);
}

function leaveEndpoints(): Promise<null> {
  return scene.outside.redirectLoad({ url: url(addresses.elsewhere.v4, 8080, path) });
}

async function openConnections(): Promise<number> {
  const [active = 0] = scene.pod.statistics(/^envoy_http_downstream_cx_active\{.*"inbound"/);
  return Promise.resolve(active);
}

describe('a pod that is taken away under twenty clients', () => {
  const native = podWith();
  const classic = podWith({
    annotations: { 'sidecar.istio.io/nativeSidecar': 'false' },
    spec: { terminationGracePeriodSeconds: 8 },
  });

  test('as a native sidecar loses nothing: the hook, no endpoint any more, the application ends, the proxy ends', async () => {
    await underLoad('native', native);
    expect(await scene.pod.preStop()).toBe(0);
    await pause(1_000);
    await leaveEndpoints();
    expect(await eventually(openConnections, (count) => count === 0)).toBe(0);
    await scene.app.stop();
    await scene.pod.stopProxy();
    const { answered, failures } = await scene.outside.stopLoad();
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThanOrEqual(1_000);
  });

  test('as a classic one loses nothing: its hook holds it while clients leave', async () => {
    await underLoad('classic', classic);
    const hook = scene.pod.preStop();
    await pause(1_000);
    await leaveEndpoints();
    expect(await hook).toBe(0);
    await scene.pod.stopProxy();
    const { answered, failures } = await scene.outside.stopLoad();
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThanOrEqual(1_000);
  });

  test('without the hook loses requests, which is why it is there', async () => {
    await underLoad('abrupt', native);
    await leaveEndpoints();
    await scene.pod.stopProxy();
    const { failures } = await scene.outside.stopLoad();
    expect(failures.length).toBeGreaterThan(0);
  });
});

test('servers that close idle connections at the wrong moment cost no request, in either direction', async () => {
  scene = await openScene({ label: 'race', pod: podWith() });
  const closesAfterMs = 2_000;
  // Around the moment at which the server closes, so that some burst meets it.
  const gaps = [-20, -10, 0, 5, 10, 20].map((shift) => closesAfterMs + shift);
  const asked = gaps.flatMap((gapMs, index) => {
    const port = 8200 + index;
    const bursts = { count: 60, gapsMs: [gapMs, gapMs, gapMs] };
    return [
      scene.app
        .listen({ kind: 'http', port, keepAliveMs: closesAfterMs })
        .then(() => scene.outside.askInBursts({ url: url(addresses.pod.v4, port), ...bursts })),
      scene.outside
        .listen({ kind: 'http', port, keepAliveMs: closesAfterMs })
        .then(() => scene.app.askInBursts({ url: url(addresses.cluster.v4, port), ...bursts })),
    ];
  });
  const reports = await Promise.all(asked);
  expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
  expect(reports.reduce((sum, { answered }) => sum + answered, 0)).toBe(2 * 1_440);
});
