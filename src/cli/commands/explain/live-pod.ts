import { undo, type JsonObject } from '../../../index.ts';
import { ApiError } from '../../../kubernetes/api-error.ts';
import type { ApiClient } from '../../../kubernetes/client.ts';
import { webhookConfigurationName } from '../../../kubernetes/names.ts';
import { readNamespace, readPod, readWebhookConfiguration } from '../../../kubernetes/objects.ts';
import { readFacts } from '../../../injection/namespace-facts.ts';
import { findObjects } from '../../../manifests/workloads.ts';
import { quote } from '../../../grammar/problem.ts';
import { explainWorkload, type Explanation } from './explanation.ts';
import type { ExplainOptions } from './options.ts';
import { exitCodes, usageFailure, type Failure } from '../../io.ts';
import { connectAs } from '../../kubeconfig.ts';
import { workloadsOf } from '../../manifests/workload.ts';
import { loadInjector } from '../../live/live-injector.ts';
import { readEntries } from '../../../audit/reading.ts';
import { registrationChanges, registrationFaults } from '../../live/registration.ts';

function failed(problem: string, remedy: string): Failure {
  return { problems: [problem], remedy, code: exitCodes.failed };
}

/** The pod as it was before injection, if this injector injected it. */
function beforeInjection(pod: JsonObject): { readonly pod: JsonObject; readonly note: string } {
  const undone = undo(pod);
  if (undone === undefined) return { pod, note: 'it runs without our sidecar' };
  if (undone.problems.length > 0) {
    return { pod, note: `its status annotation is none of an injection: ${undone.problems.join('; ')}` };
  }
  if (undone.leftovers.length > 0) {
    return { pod, note: `what was injected cannot be told from the rest: ${undone.leftovers.join('; ')}` };
  }
  const note = 'it runs with our sidecar; below is what a new pod of the same kind would get';
  return { pod: undone.pod ?? pod, note };
}

async function read(
  client: ApiClient,
  namespace: string,
  name: string,
  options: ExplainOptions,
): Promise<Explanation[] | Failure> {
  const pod = await readPod(client, namespace, name);
  if (pod === undefined)
    return failed(`there is no pod ${namespace}/${name}`, 'list the pods with: kubectl get pods --all-namespaces');
  const holder = await readNamespace(client, namespace);
  const configuration = await readWebhookConfiguration(client);
  const before = beforeInjection({ apiVersion: 'v1', kind: 'Pod', ...pod });
  const [workload] = findObjects(before.pod).flatMap(workloadsOf);
  if (workload === undefined)
    return failed(`pod ${namespace}/${name} has no spec`, 'look at it with: kubectl get pod -o yaml');
  const where = 'live';
  if (configuration === undefined) {
    const { apiVersion, kind } = workload;
    const why = `the cluster has no MutatingWebhookConfiguration ${webhookConfigurationName}`;
    const webhookSelectors = { asked: true, called: false, reasons: [why] } as const;
    return [
      {
        object: { apiVersion, kind, name, namespace },
        where,
        notes: [before.note],
        webhookSelectors,
        decision: undefined,
      },
    ];
  }
  const loaded = await loadInjector(client, options, configuration);
  if ('problems' in loaded) return loaded;
  const { injector, note } = loaded;
  const changes = registrationChanges(configuration).map(({ what, consequence }) => `${what}; ${consequence}`);
  const notes = [before.note, ...note, ...registrationFaults(configuration), ...changes];
  const entries = readEntries(configuration);
  return [explainWorkload(workload, { ...readFacts(holder), injector, namespace, where, notes, entries })];
}

/**
 * Explains a live pod, given as `namespace/name`: pod, namespace and registration are read from the cluster, and settings and
 * sidecars that no option names from the ConfigMaps of the injector that the registration leads to.
 */
export async function explainLivePod(
  target: string,
  options: ExplainOptions,
): Promise<readonly Explanation[] | Failure> {
  const match = /^([a-z0-9][a-z0-9-]*)\/([a-z0-9][a-z0-9.-]*)$/.exec(target);
  if (match?.[1] === undefined || match[2] === undefined) {
    return usageFailure(
      `--pod: ${quote(target)} is not NAMESPACE/NAME`,
      'write the namespace, a slash and the name of the pod',
    );
  }
  try {
    const client = await connectAs(options);
    try {
      return await read(client, match[1], match[2], options);
    } finally {
      client.close();
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return failed(
      error.message,
      'give a kubeconfig with --kubeconfig, and a user who may read pods, namespaces and webhook configurations',
    );
  }
}
