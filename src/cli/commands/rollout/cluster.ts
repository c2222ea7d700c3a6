import { quote } from '../../../grammar/problem.ts';
import { didYouMean } from '../../../grammar/suggestion.ts';
import { ApiError } from '../../../kubernetes/api-error.ts';
import type { ApiClient } from '../../../kubernetes/client.ts';
import { createInjector, type Injector } from '../../../index.ts';
import { withClusterFacts } from '../../../injection/snapshot.ts';
import { featuresOf, readServerVersion } from '../../../kubernetes/server-version.ts';
import { loadInjector } from '../../live/live-injector.ts';
import { exitCodes, remark, report, type Failure, type Io } from '../../io.ts';
import { connectAs } from '../../kubeconfig.ts';
import { viewCluster, type Cluster } from '../check/cluster.ts';
import type { RolloutOptions } from './options.ts';

function failed(problems: readonly string[], remedy: string): Failure {
  return { problems, remedy, code: exitCodes.failed };
}

/**
 * An injector with the given settings, and with those of the cluster's where none are given, such as the roots of its mesh.
 * If nothing is given, they have to be valid: without them nothing can be compared.
 */
async function injectorOf(
  cluster: Cluster,
  client: ApiClient,
  { settings, sidecars }: RolloutOptions,
): Promise<Injector | Failure> {
  if (settings === undefined && sidecars === undefined) {
    const found = await cluster.settings();
    if ('snapshot' in found) return cluster.injector();
    const remedy = 'give its settings with --settings and --sidecars; sidecar-injector check says what is wrong';
    return failed(found.problems, remedy);
  }
  const given = { ...(settings === undefined ? {} : { settings }), ...(sidecars === undefined ? {} : { sidecars }) };
  const loaded = await loadInjector(client, given, (await cluster.registration()) ?? {});
  if ('problems' in loaded) return loaded;
  return createInjector(withClusterFacts(loaded.injector.snapshot, featuresOf(await readServerVersion(client))));
}

/** Why nothing can be said of a namespace, whose name may be mistyped; undefined if it is there. */
async function missingNamespace(cluster: Cluster, name: string | undefined): Promise<Failure | undefined> {
  if (name === undefined) return undefined;
  const names = (await cluster.namespaces()).map((one) => one.name);
  if (names.includes(name)) return undefined;
  return failed(
    [`there is no namespace ${quote(name)}${didYouMean(name, names)}`],
    'name another one with --namespace',
  );
}

function remedyFor({ code }: ApiError): string {
  return code === 'conflict'
    ? 'somebody else has changed it meanwhile: look at the change, and run this again'
    : 'give a kubeconfig with --kubeconfig, and a user who may do this (kubectl auth can-i shows it)';
}

/** Does something with a cluster and an injector like its own, and returns the exit code. */
export async function inCluster(
  options: RolloutOptions & { readonly namespace?: string },
  io: Io,
  action: (client: ApiClient, cluster: Cluster, injector: Injector) => Promise<number | Failure>,
): Promise<number> {
  let client: ApiClient | undefined;
  try {
    client = await connectAs(options);
    const cluster = viewCluster(client, new Date(), (text) => remark([text], io));
    const injector =
      (await missingNamespace(cluster, options.namespace)) ?? (await injectorOf(cluster, client, options));
    const result = 'problems' in injector ? injector : await action(client, cluster, injector);
    return typeof result === 'number' ? result : report(result, io);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return report(failed([error.message], remedyFor(error)), io);
  } finally {
    client?.close();
  }
}
