import { ApiError } from '../../../kubernetes/api-error.ts';
import { connect, type ApiClient } from '../../../kubernetes/client.ts';
import { exitCodes, remark, report, type Failure, type Io } from '../../io.ts';
import { findKubeconfig } from '../../kubeconfig.ts';
import { viewCluster, type Cluster } from '../check/cluster.ts';
import type { RolloutOptions } from './options.ts';

function failed(problems: readonly string[], remedy: string): Failure {
  return { problems, remedy, code: exitCodes.failed };
}

/** Why the settings of the cluster's injector are not known, without which nothing can be compared; undefined if they are. */
async function settingsFailure(cluster: Cluster): Promise<Failure | undefined> {
  const settings = await cluster.settings();
  if ('snapshot' in settings) return undefined;
  return failed(settings.problems, 'sidecar-injector check says what is wrong with the installation');
}

/** Does something with a cluster whose settings are known, and returns the exit code. */
export async function inCluster(
  { kubeconfig, context }: RolloutOptions,
  io: Io,
  action: (cluster: Cluster, client: ApiClient) => Promise<number | Failure>,
): Promise<number> {
  let client: ApiClient | undefined;
  try {
    const found = findKubeconfig(kubeconfig);
    client = await connect({
      ...(found === undefined ? {} : { kubeconfig: found }),
      ...(context === undefined ? {} : { context }),
    });
    const cluster = viewCluster(client, new Date(), (text) => remark([text], io));
    const result = (await settingsFailure(cluster)) ?? (await action(cluster, client));
    return typeof result === 'number' ? result : report(result, io);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const remedy = 'give a kubeconfig with --kubeconfig, and a user who may do this (kubectl auth can-i shows it)';
    return report(failed([error.message], remedy), io);
  } finally {
    client?.close();
  }
}
