import { adminKubeconfig, insideNetwork, type places } from '../../test/harness/cluster/node/place.ts';
import { startNode } from '../../test/harness/cluster/node/start.ts';
import { stopNode } from '../../test/harness/cluster/node/stop.ts';
import { prepareClusterTools, writeClusterImages } from '../../test/harness/cluster/prepare.ts';
import { findProgram } from '../../test/harness/tools/kubernetes.ts';
import { joinEnvironments } from '../../test/harness/tools/tool.ts';

/**
 * Starts a Kubernetes node in a network namespace of this machine, in place of one that runs there. Returns the words of the command
 * that talks to it. Needs root on Linux.
 */
export async function bringUp(place: (typeof places)[keyof typeof places]): Promise<readonly [string, ...string[]]> {
  const env = joinEnvironments(await prepareClusterTools());
  await stopNode(place);
  const images = await writeClusterImages(env);
  await startNode(place, { env, images: images.file }).finally(() => images.remove());
  return [...insideNetwork(place), findProgram('kubectl', env), '--kubeconfig', adminKubeconfig(place)];
}
