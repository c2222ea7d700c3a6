import type { Injector } from '../../../index.ts';
import { isOver } from '../../../audit/reading.ts';
import { injectionLabels } from '../../../injection/patch/injection-labels.ts';
import type { Renewal } from '../../../injection/renewal.ts';
import { standingOf } from '../../../injection/standing.ts';
import { objectMember, stringMember } from '../../../json/json.ts';
import type { ApiClient } from '../../../kubernetes/client.ts';
import { listPages } from '../../../kubernetes/list.ts';
import { viewPod } from '../../../pod/view.ts';
import { workloadOf, type Workload } from '../../../pod/workload.ts';
import { stableVariant } from '../../../settings/schema/variant.ts';
import type { Cluster } from '../check/cluster.ts';

/** What an injected pod is on, and what would become of it if it were created anew. */
export interface PodState {
  readonly version: string;
  readonly settingsHash: string;
  /** The variant that its label tells. */
  readonly variant: string;
  readonly renewal: Renewal;
}

/** The injected pods of one owner. */
export interface OwnerPods {
  readonly namespace: string;
  readonly owner: Workload;
  readonly states: readonly PodState[];
}

/** An injected pod takes 30 to 60 KB, and a response may have 8 MiB. */
const pageSize = 100;

/**
 * Reads all injected pods, page by page, and keeps what they are on, by owner, in the order of their names. Rejects with an
 * `ApiError`.
 *
 * @param only the namespace to look at
 */
export async function surveyOwners(
  client: Pick<ApiClient, 'get'>,
  cluster: Pick<Cluster, 'entries' | 'namespaces'>,
  injector: Injector,
  only?: string,
): Promise<readonly OwnerPods[]> {
  const byName = new Map((await cluster.namespaces()).map((one) => [one.name, one]));
  const entries = await cluster.entries();
  const owners = new Map<string, OwnerPods & { readonly states: PodState[] }>();
  const path = only === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${encodeURIComponent(only)}/pods`;
  const labelSelector = injectionLabels.settingsHash;
  for await (const page of listPages(client, path, { labelSelector, limit: pageSize })) {
    for (const pod of page) {
      const namespace = byName.get(stringMember(objectMember(pod, 'metadata'), 'namespace') ?? '');
      if (namespace === undefined || isOver(pod)) continue;
      const standing = standingOf(pod, namespace, entries, injector);
      if (standing.state !== 'injected') continue;
      const { version, settingsHash } = standing.status;
      const view = viewPod(pod);
      const variant = stringMember(view.labels, injectionLabels.variant) ?? stableVariant;
      const owner = workloadOf(view);
      const key = `${namespace.name}/${owner.kind}/${owner.name}`;
      const known = owners.get(key) ?? { namespace: namespace.name, owner, states: [] };
      known.states.push({ version, settingsHash, variant, renewal: standing.renewal });
      owners.set(key, known);
    }
  }
  return [...owners].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, one]) => one);
}
