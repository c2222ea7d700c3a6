import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { inMesh, openMeshOfCluster, type MeshOfCluster } from '../../support/cluster/mesh.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { startLoad } from '../../support/http/load.ts';

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
});
