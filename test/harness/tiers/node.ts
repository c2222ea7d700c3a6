import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { claimPlace } from '../cluster/node/claim.ts';
import { adminKubeconfig, insideNetwork, places } from '../cluster/node/place.ts';
import { startNode } from '../cluster/node/start.ts';
import { stopNode } from '../cluster/node/stop.ts';
import { writeClusterImages } from '../cluster/prepare.ts';
import { root } from '../../../scripts/checkout.ts';
import { say, seconds } from '../tools/tool.ts';
import { runJest } from './jest.ts';
import type { Environment, Outcome } from './tier.ts';

/**
 * Starts a node for the tier, runs its tests inside the node's network, and stops the node whatever happens. With
 * `CLUSTER=existing` the tests run against the cluster of `$KUBECONFIG` instead.
 */
export async function runOnNode(tier: string, environment: Environment): Promise<Outcome> {
  if (process.env['CLUSTER'] === 'existing') return runJest(tier, environment);
  const place = places.test;
  const release = await claimPlace(place);
  // Signals end this process at once; nothing asynchronous could run then.
  const stopAtExit = () => {
    spawnSync(process.execPath, [path.join(root, 'scripts/cluster.ts'), 'down', 'test'], { stdio: 'ignore' });
  };
  process.once('exit', stopAtExit);
  try {
    const startMs = Date.now();
    await stopNode(place);
    const images = await writeClusterImages(environment.env);
    say(`images assembled after ${seconds(startMs)}`);
    await startNode(place, { env: environment.env, images: images.file }).finally(() => images.remove());
    say(`node ready after ${seconds(startMs)}`);
    const env = { ...environment.env, KUBECONFIG: adminKubeconfig(place), CLUSTER_PLACE: 'test' };
    return await runJest(tier, { ...environment, env, within: insideNetwork(place) });
  } catch (error) {
    process.stdout.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return { passed: 0, failed: 1, note: 'no node could be started' };
  } finally {
    await stopNode(place);
    process.off('exit', stopAtExit);
    await release();
  }
}
