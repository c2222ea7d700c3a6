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

describe('a pod that is taken away serves as long as its application does', () => {
  const served = async (): Promise<number> => (await scene.outside.ask({ url: url(addresses.pod.v4, 8080) })).status;
  const calls = async (): Promise<number> => (await scene.app.ask({ url: url(addresses.cluster.v4, 8080) })).status;

  async function begin(label: string, pod: JsonObject): Promise<void> {
    scene = await openScene({ label, pod });
    await scene.app.listen({ kind: 'http', port: 8080 });
    await scene.outside.listen({ kind: 'http', port: 8080 });
  }

  test('native: no time ends it', async () => {
    await begin('serving', podWith({ spec: { terminationGracePeriodSeconds: 2 } }));
    expect(await scene.pod.preStop()).toBe(0);
    await pause(5_000);
    expect([await served(), await calls()]).toEqual([200, 200]);
  });

  test('native, with a drain time of its own: not before the longest sleep has ended', async () => {
    const preStop = { sleep: { seconds: 7 } };
    const annotations = { 'proxy.istio.io/config': 'drainDuration: 2s' };
    await begin('sleeping', podWith({ annotations, container: { lifecycle: { preStop } } }));
    expect(await scene.pod.preStop()).toBe(0);
    await pause(4_000);
    expect(await served()).toBe(200);
    const refused = (): Promise<string> => served().then(String, (error: Error) => error.message);
    expect(await eventually(refused, (text) => text.includes('ECONNREFUSED'))).toContain('ECONNREFUSED');
    expect(await calls()).toBe(200);
  });

  test('classic: its hook ends when the application has ended', async () => {
    const annotations = { 'sidecar.istio.io/nativeSidecar': 'false' };
    await begin('lasting', podWith({ annotations, spec: { terminationGracePeriodSeconds: 600 } }));
    let ended = false;
    const hook = scene.pod.preStop().then((code) => {
      ended = true;
      return code;
    });
    await pause(17_000);
    expect([ended, await served(), await calls()]).toEqual([false, 200, 200]);
    await scene.app.stop();
    expect(await hook).toBe(0);
  }, 60_000);
});

test('servers that close idle connections at the wrong moment cost no request, in either direction', async () => {
  scene = await openScene({ label: 'race', pod: podWith() });
  const closesAfterMs = 2_000;
  // Around the moment at which the server closes, so that some burst meets it.
  const gaps = [-20, -10, 0, 5, 10, 20].map((shift) => closesAfterMs + shift);
  const asked = gaps.flatMap((gapMs, index) => {
    // Ports for HTTP: on others, whose connections are the client's own, it would lose them as without a proxy.
    const port = 8080 + index;
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
