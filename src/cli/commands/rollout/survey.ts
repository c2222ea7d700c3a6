import type { Injector } from '../../../index.ts';
import { injectionLabels } from '../../../injection/patch/injection-labels.ts';
import type { PodNamespace } from '../../../injection/standing.ts';
import { objectMember, stringMember, type JsonObject } from '../../../json/json.ts';
import type { ApiClient } from '../../../kubernetes/client.ts';
import { listPages } from '../../../kubernetes/list.ts';
import { viewPod } from '../../../pod/view.ts';
import { workloadOf, type Workload } from '../../../pod/workload.ts';
import { stateOf, type PodState } from './pod-state.ts';

/** The injected pods of one owner. */
export interface OwnerPods {
  readonly namespace: string;
  readonly owner: Workload;
  readonly states: readonly PodState[];
}

/** An injected pod takes 30 to 60 KB, and a response may have 8 MiB. */
const pageSize = 100;

function isOver(pod: JsonObject): boolean {
  const phase = stringMember(objectMember(pod, 'status'), 'phase');
  const deleted = stringMember(objectMember(pod, 'metadata'), 'deletionTimestamp');
  return phase === 'Succeeded' || phase === 'Failed' || deleted !== undefined;
}

/**
 * Reads all injected pods, page by page, and keeps what they are on, by owner, in the order of their names. Rejects with an
 * `ApiError`.
 *
 * @param only the namespace to look at
 */
export async function surveyOwners(
  client: Pick<ApiClient, 'get'>,
  { injector, namespaces }: { readonly injector: Injector; readonly namespaces: readonly PodNamespace[] },
  only?: string,
): Promise<readonly OwnerPods[]> {
  const byName = new Map(namespaces.map((one) => [one.name, one]));
  const owners = new Map<string, OwnerPods & { readonly states: PodState[] }>();
  const path = only === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${encodeURIComponent(only)}/pods`;
  const labelSelector = injectionLabels.settingsHash;
  for await (const page of listPages(client, path, { labelSelector, limit: pageSize })) {
    for (const pod of page) {
      const namespace = byName.get(stringMember(objectMember(pod, 'metadata'), 'namespace') ?? '');
      const state = namespace === undefined || isOver(pod) ? undefined : stateOf(pod, namespace, injector);
      if (namespace === undefined || state === undefined) continue;
      const owner = workloadOf(viewPod(pod));
      const key = `${namespace.name}/${owner.kind}/${owner.name}`;
      const known = owners.get(key) ?? { namespace: namespace.name, owner, states: [] };
      known.states.push(state);
      owners.set(key, known);
    }
  }
  return [...owners].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, one]) => one);
}
