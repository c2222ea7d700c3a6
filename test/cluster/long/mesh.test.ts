import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { inMesh, openMeshOfCluster, type MeshOfCluster } from '../../support/cluster/mesh.ts';
import { nodeControl } from '../../support/cluster/node-control.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { startLoad } from '../../support/http/load.ts';
import { until } from '../../support/waiting.ts';

jest.setTimeout(300_000);

let mesh: MeshOfCluster;

beforeAll(async () => {
  mesh = await openMeshOfCluster();
});
afterAll(() => mesh.remove());

/** Whether each pod of `web` has the token of the mesh. */
async function tokensOfWeb(): Promise<readonly boolean[]> {
  const pods = await mesh.namespace.pods('app=web');
  return pods.map((pod) => JSON.stringify(pod.spec).includes('istio-mesh-token'));
}

async function rollControlPlane(): Promise<void> {
  await system.kubectl('rollout', 'status', 'deployment/sidecar-injector-mesh', '--timeout=90s');
}

describe('no request is lost', () => {
  test.each<[string, JsonObject]>([
    ['in the mesh', inMesh],
    ['outside', {}],
  ])('by a client %s while its servers leave the mesh and come back', async (_, labels) => {
    const load = await startLoad(mesh.namespace, { url: 'http://web/', metadata: { labels } });
    await mesh.rollWeb({ 'sidecar-injector.io/profile': null });
    expect(await tokensOfWeb()).toEqual([false]);
    await mesh.rollWeb(inMesh);
    expect(await tokensOfWeb()).toEqual([true]);
    const { sent, outcomes } = await load.stop();
    expect(outcomes).toEqual({ 200: sent });
  });

  test('while the control plane is replaced and then killed, and the servers are replaced right after', async () => {
    const load = await startLoad(mesh.namespace, { url: 'http://web/', metadata: { labels: inMesh } });
    await system.kubectl('rollout', 'restart', 'deployment/sidecar-injector-mesh');
    await rollControlPlane();
    await system.kubectl('delete', 'pods', '--selector=app=sidecar-injector-mesh', '--grace-period=0', '--force');
    await rollControlPlane();
    await mesh.rollWeb({ again: 'yes' });
    const { sent, outcomes } = await load.stop();
    expect(outcomes).toEqual({ 200: sent });
  });

  const node = nodeControl();
  (node === undefined ? test.skip : test)('of 10,000, while the API server is away', async () => {
    const load = await startLoad(mesh.namespace, {
      url: 'http://web/',
      perSecond: 400,
      metadata: { labels: inMesh },
    });
    await node?.stop('kube-apiserver');
    try {
      await pause(25_000);
    } finally {
      await node?.keepRunning('kube-apiserver');
    }
    await until('10,000 requests', async () => (await load.sent().catch(() => 0)) >= 10_000 || undefined);
    // What changes afterwards arrives.
    await mesh.rollWeb({ after: 'yes' });
    const { sent, outcomes } = await load.stop();
    expect(outcomes).toEqual({ 200: sent });
  });
});
