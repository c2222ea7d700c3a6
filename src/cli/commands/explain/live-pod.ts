import { isDeepStrictEqual } from 'node:util';
import {
  createInjector,
  matchConditions,
  registrationEntriesFor,
  undo,
  type Injector,
  type JsonObject,
  type RegistrationEntry,
} from '../../../index.ts';
import { ApiError } from '../../../kubernetes/api-error.ts';
import { connect, type ApiClient } from '../../../kubernetes/client.ts';
import { webhookConfigurationName } from '../../../kubernetes/names.ts';
import { readNamespace, readPod, readWebhookConfiguration } from '../../../kubernetes/objects.ts';
import { applyToValue } from '../../../json/apply.ts';
import { findObjects } from '../../../manifests/workloads.ts';
import { isObject, member, objectMember, objectsMember, stringMember } from '../../../json/json.ts';
import { quote } from '../../../grammar/problem.ts';
import { explainWorkload, type Explanation } from './explanation.ts';
import type { ExplainOptions } from './options.ts';
import { exitCodes, usageFailure, type Failure } from '../../io.ts';
import { loadSnapshot } from '../../manifests/snapshot.ts';
import { findKubeconfig } from '../../kubeconfig.ts';
import { workloadsOf } from '../../manifests/workload.ts';
import { copyDeployedFiles, type DeployedFiles } from './deployed-files.ts';

function failed(problem: string, remedy: string): Failure {
  return { problems: [problem], remedy, code: exitCodes.failed };
}

function sameSelector(live: JsonObject, key: string, shipped: unknown): boolean {
  return isDeepStrictEqual(member(live, key) ?? {}, shipped);
}

function sameConditions(live: JsonObject): boolean {
  const texts = objectsMember(live, 'matchConditions').map((one) => stringMember(one, 'expression'));
  return isDeepStrictEqual(
    texts,
    matchConditions.map(({ expression }) => expression),
  );
}

/** The entries of the cluster's registration. The API server has checked the shape of its selectors. */
function liveEntries(configuration: JsonObject): RegistrationEntry[] {
  return objectsMember(configuration, 'webhooks').map((webhook) => ({
    name: stringMember(webhook, 'name') ?? '',
    namespaceSelector: objectMember(webhook, 'namespaceSelector') ?? {},
    objectSelector: objectMember(webhook, 'objectSelector') ?? {},
    failurePolicy: stringMember(webhook, 'failurePolicy') === 'Ignore' ? 'Ignore' : 'Fail',
  }));
}

/** What is wrong with the cluster's registration, and where it differs from the shipped one with either default. */
function registrationNotes(configuration: JsonObject): readonly string[] {
  const live = objectsMember(configuration, 'webhooks');
  const notes = (['Fail', 'Ignore'] as const).map((byDefault) => differences(live, registrationEntriesFor(byDefault)));
  return notes.reduce((fewest, one) => (one.length < fewest.length ? one : fewest));
}

function differences(live: readonly JsonObject[], shipped: readonly RegistrationEntry[]): readonly string[] {
  return shipped.flatMap((entry): string[] => {
    const found = live.find((one) => stringMember(one, 'name') === entry.name);
    if (found === undefined)
      return [`the cluster's ${webhookConfigurationName} has no entry ${entry.name}, so that one is never called`];
    const notes: string[] = [];
    if ((stringMember(objectMember(found, 'clientConfig'), 'caBundle') ?? '') === '') {
      const policy = stringMember(found, 'failurePolicy') ?? 'Fail';
      notes.push(`entry ${entry.name} has no CA bundle yet: every call fails (failurePolicy ${policy})`);
    }
    if (
      !sameSelector(found, 'namespaceSelector', entry.namespaceSelector) ||
      !sameSelector(found, 'objectSelector', entry.objectSelector)
    ) {
      notes.push(`entry ${entry.name} has other selectors in this cluster than the shipped ones; they decide below`);
    }
    if (!sameConditions(found)) {
      notes.push(
        `entry ${entry.name} has other match conditions in this cluster; the result below is that of the shipped ones`,
      );
    }
    return notes;
  });
}

function textsOf(object: JsonObject | undefined, map: 'labels' | 'annotations'): Record<string, string> {
  const texts = objectMember(objectMember(object, 'metadata'), map) ?? {};
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
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
  const plain = applyToValue(pod, undone.operations);
  const note = 'it runs with our sidecar; below is what a new pod of the same kind would get';
  return { pod: isObject(plain) ? plain : pod, note };
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
  const notes = [before.note, ...note, ...registrationNotes(configuration)];
  const entries = liveEntries(configuration);
  const known = { labels: textsOf(holder, 'labels'), annotations: textsOf(holder, 'annotations') };
  return [explainWorkload(workload, { ...known, injector, namespace, where, notes, entries })];
}

/** The injector of the cluster, as far as the options do not say otherwise, and what is from where. */
async function loadInjector(
  client: ApiClient,
  options: ExplainOptions,
  configuration: JsonObject,
): Promise<{ readonly injector: Injector; readonly note: readonly string[] } | Failure> {
  const { settings, sidecars } = options;
  const isGiven = settings !== undefined && sidecars !== undefined;
  const deployed = isGiven ? 'everything is given' : await copyDeployedFiles(client, configuration);
  const found = typeof deployed === 'string' ? undefined : deployed;
  try {
    const loaded = await loadSnapshot({
      ...options,
      ...(settings === undefined && found?.settings !== undefined ? { settings: found.settings } : {}),
      ...(sidecars === undefined && found?.sidecars !== undefined ? { sidecars: [...found.sidecars] } : {}),
      ...(options.meshRoots === undefined && found?.meshRoots !== undefined ? { meshRoots: found.meshRoots } : {}),
    });
    if ('problems' in loaded) return loaded;
    return { injector: createInjector(loaded.snapshot), note: isGiven ? [] : [noteAboutFiles(options, deployed)] };
  } finally {
    await found?.remove();
  }
}

/** Says whose settings and sidecars decide. */
function noteAboutFiles({ settings, sidecars }: ExplainOptions, deployed: DeployedFiles | string): string {
  const named = (option: '--settings' | '--sidecars', what: string, without: string): string => {
    const origins = typeof deployed === 'string' ? [] : (deployed.origins.get(option) ?? []);
    return origins.length === 0 ? `${without} (${option} names others)` : `${what} in ConfigMap ${origins.join(', ')}`;
  };
  const parts = [
    ...(settings === undefined ? [named('--settings', 'the settings', 'the built-in settings')] : []),
    ...(sidecars === undefined ? [named('--sidecars', 'the sidecars', 'no declared sidecars')] : []),
  ];
  const why = typeof deployed === 'string' ? `; those of the cluster are not known: ${deployed}` : '';
  return `the injection policy below is that of ${parts.join(' and ')}${why}`;
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
  const found = findKubeconfig(options.kubeconfig);
  try {
    const client = await connect(found === undefined ? {} : { kubeconfig: found });
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
