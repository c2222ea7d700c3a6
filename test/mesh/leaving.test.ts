import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../src/json/json.ts';
import { proxyUser } from '../../src/pod/conventions.ts';
import { openMesh, podObject, serviceObjects, type MeshPod, type MeshScene } from '../support/mesh/mesh-scene.ts';
import { manyRequests, underLoad, underLoadOnce } from '../support/mesh/under-load.ts';
import type { LoadReport } from '../support/network/agent.ts';

jest.setTimeout(120_000);

// Pods come and go under load: those of a rollout, and those that leave the mesh until nothing is left of it.

type Mode = 'mesh' | 'standalone';

let scene: MeshScene;
let front: MeshPod;
/** Of the two servers one serves at a time. */
let servers: readonly [now: MeshPod, next: MeshPod];
/** Pods whose proxies have a stream. */
let connected: Set<MeshPod>;

const address = '10.96.0.5';
const url = `http://${address}/`;
const ports = [{ name: 'http', port: 80, target: 8080 }];
const wanted = [
  { name: 'front' },
  { name: 'cart-1', serviceAccount: 'cart' },
  { name: 'cart-2', serviceAccount: 'cart' },
];

beforeAll(async () => {
  scene = await openMesh('leaving', wanted);
  const [client, one, other] = wanted.map(({ name }) => scene.pods[name]) as [MeshPod, MeshPod, MeshPod];
  front = client;
  servers = [one, other];
  connected = new Set([front, one]);
  await one.app.listen({ kind: 'http', port: 8080 });
  await remove(other);
  scene.set(...serviceObjects('cart', address, ports, [one]));
  await scene.controlPlane.untilInSync(2);
});

afterAll(() => scene.stop());

function expectAll({ answered, failures }: LoadReport): void {
  expect(failures).toEqual([]);
  expect(answered).toBeGreaterThanOrEqual(manyRequests);
}

function objectOf(pod: MeshPod, mode: Mode): JsonObject {
  const index = wanted.findIndex(({ name }) => name === pod.name);
  const options = { ...wanted[index], name: pod.name, proxy: mode === 'mesh' ? 'mesh' : 'none' } as const;
  return podObject(options, index, pod.network);
}

/** The Service, with pods that serve and pods that end. */
function cart(ready: readonly MeshPod[], terminating: readonly MeshPod[] = []): readonly JsonObject[] {
  const [service, slice] = serviceObjects('cart', address, ports, [...ready, ...terminating]);
  const endpoints = (slice['endpoints'] as JsonObject[]).map((one, index) =>
    index < ready.length ? one : { ...one, conditions: { ready: false, serving: true, terminating: true } },
  );
  return [service, { ...slice, endpoints }];
}

/** Ends a pod's processes, as its node does. */
async function remove(pod: MeshPod): Promise<void> {
  await pod.stopProxy();
  connected.delete(pod);
  scene.delete(objectOf(pod, 'mesh'));
}

/** Replaces the server as a Deployment does, by one with such a proxy. */
async function roll(mode: Mode): Promise<void> {
  const [old, next] = servers;
  scene.set(objectOf(next, mode));
  await next.app.listen({ kind: 'http', port: 8080 });
  await next.startProxy(mode);
  if (mode === 'mesh') connected.add(next);
  scene.set(...cart([next], [old]));
  old.drain();
  await scene.controlPlane.untilInSync(connected.size);
  // Here hooks wait for requests on their way.
  await pause(500);
  await old.app.close({ port: 8080 });
  await remove(old);
  scene.set(...cart([next]));
  servers = [next, old];
  await scene.controlPlane.untilInSync(connected.size);
}

/** Whether the server hears of its client's certificate. */
async function isSecured(): Promise<boolean> {
  const { body } = await front.app.ask({ url });
  return body.toLowerCase().includes('x-forwarded-client-cert');
}

test(`none of ${manyRequests} requests fails while the servers are replaced`, async () => {
  expectAll(await underLoad(front.app, url, () => roll('mesh')));
  expect(await isSecured()).toBe(true);
});

test(`none of ${manyRequests} requests fails while servers leave the mesh and come back`, async () => {
  const report = await underLoad(front.app, url, async () => {
    await roll('standalone');
    expect(await isSecured()).toBe(false);
    await roll('mesh');
    expect(await isSecured()).toBe(true);
  });
  expectAll(report);
});

test(`none of ${manyRequests} requests fails when servers have left, the control plane goes for good, and its client leaves`, async () => {
  const report = await underLoadOnce(front.app, url, async () => {
    await roll('standalone');
    await scene.controlPlane.stop();
  });
  expectAll(report);
  // The client's proxy is the last one; what a node does for it is done here in its own namespace.
  await front.stopProxy();
  const toPod = ['-d', address, '-p', 'tcp', '--dport', '80', '-j', 'DNAT', '--to', `${servers[0].network.v4}:8080`];
  const nat = ['iptables', '-t', 'nat', '-I', 'OUTPUT', '-m', 'owner', '--uid-owner', String(proxyUser.uid), ...toPod];
  expect(scene.network.run(front.network.name, nat)).toMatchObject({ status: 0 });
  await front.startProxy('standalone');
  expectAll(await underLoad(front.app, url, () => pause(100)));
});
