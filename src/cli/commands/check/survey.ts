import type { Injector, EntrySelectors } from '../../../index.ts';
import { isOver } from '../../../audit/reading.ts';
import type { PodNamespace } from '../../../injection/namespace-facts.ts';
import { withCode } from '../../../injection/policy/reason.ts';
import { standingOf } from '../../../injection/standing.ts';
import type { InjectionStatus } from '../../../injection/patch/status.ts';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import type { ApiClient } from '../../../kubernetes/client.ts';
import { listPages } from '../../../kubernetes/list.ts';
import { amountOf } from '../../../pod/resources.ts';
import { viewPod } from '../../../pod/view.ts';
import { workloadOf } from '../../../pod/workload.ts';

/** Sums of what injected containers ask for, in base units. */
export interface Cost {
  readonly cpu: number;
  readonly memory: number;
}

/** What the pods of a cluster are. */
export interface Survey {
  readonly pods: number;
  readonly injected: number;
  /** Pods without a sidecar that a new one would get, by owner. */
  readonly missed: ReadonlyMap<string, number>;
  /** Pods of which a new one would be denied, with a sidecar or without, by owner, with the first reason. */
  readonly denied: ReadonlyMap<string, number>;
  /** Pods that are not injected as new ones would be, by owner, with the settings and version that injected them. */
  readonly outdated: ReadonlyMap<string, number>;
  /** Pods with a sidecar that a new one would not get, or that cannot be compared, by owner, with the reason. */
  readonly kept: ReadonlyMap<string, number>;
  /** Requests of injected containers, by namespace. */
  readonly cost: ReadonlyMap<string, Cost & { readonly pods: number }>;
  /** Whether there are more pods than are looked at. */
  readonly isPartial: boolean;
}

/** Pods that are looked at, at most. */
const mostPods = 100_000;
/** An injected pod takes 30 to 60 KB, and a response may have 8 MiB. */
const pageSize = 100;
/** Pods after which the user is told how far it has come. */
const tellEvery = 5_000;

function sumOf(pod: JsonObject, { initContainers, containers }: InjectionStatus): Cost {
  const spec = objectMember(pod, 'spec');
  const ours = new Set([...initContainers, ...containers]);
  const running = [...objectsMember(spec, 'initContainers'), ...objectsMember(spec, 'containers')].filter(
    (one) => ours.has(stringMember(one, 'name') ?? '') && isRunning(one, containers),
  );
  const sum = (resource: string): number =>
    running
      .map((one) => objectMember(objectMember(one, 'resources'), 'requests'))
      .reduce((total, requests) => total + (amountOf(requests?.[resource]) ?? 0), 0);
  return { cpu: sum('cpu'), memory: sum('memory') };
}

/** Whether a container takes its resources while the application runs. */
function isRunning(container: JsonObject, classic: readonly string[]): boolean {
  return (
    stringMember(container, 'restartPolicy') === 'Always' || classic.includes(stringMember(container, 'name') ?? '')
  );
}

function count(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

/** What pods are compared with. */
export interface Yardstick {
  readonly entries: readonly EntrySelectors[];
  readonly injector: Injector;
  readonly namespaces: readonly PodNamespace[];
}

/**
 * Reads all pods, page by page, and keeps only what is counted. Rejects with an `ApiError`.
 *
 * @param tell says how far it has come
 */
export async function surveyPods(
  { entries, injector, namespaces }: Yardstick,
  client: Pick<ApiClient, 'get'>,
  tell: (text: string) => void,
): Promise<Survey> {
  const byName = new Map(namespaces.map((one) => [one.name, one]));
  const [missed, denied] = [new Map<string, number>(), new Map<string, number>()];
  const [outdated, kept] = [new Map<string, number>(), new Map<string, number>()];
  const cost = new Map<string, Cost & { readonly pods: number }>();
  let [pods, injected] = [0, 0];

  function take(pod: JsonObject, namespace: PodNamespace): void {
    const owner = workloadOf(viewPod(pod));
    const key = `${namespace.name} ${owner.kind}/${owner.name}`;
    const standing = standingOf(pod, namespace, entries, injector);
    if (standing.state === 'missed') count(missed, key);
    if (standing.state === 'denied') count(denied, `${key}: ${withCode(standing.reasons[0])}`);
    if (standing.state !== 'injected') return;
    injected += 1;
    const { status, renewal } = standing;
    const by = `settings ${status.settingsHash.slice(0, 8)}, version ${status.version}`;
    if (renewal.as === 'outdated') count(outdated, `${key}: ${by}`);
    if (renewal.as === 'denied') count(denied, `${key}: ${withCode(renewal.reasons[0])}`);
    if ('because' in renewal) count(kept, `${key}: ${renewal.because}`);
    const { cpu, memory } = sumOf(pod, status);
    const before = cost.get(namespace.name) ?? { pods: 0, cpu: 0, memory: 0 };
    cost.set(namespace.name, { pods: before.pods + 1, cpu: before.cpu + cpu, memory: before.memory + memory });
  }

  const result = (isPartial: boolean): Survey => ({ pods, injected, missed, denied, outdated, kept, cost, isPartial });
  for await (const page of listPages(client, '/api/v1/pods', { limit: pageSize })) {
    for (const pod of page) {
      const namespace = byName.get(stringMember(objectMember(pod, 'metadata'), 'namespace') ?? '');
      if (namespace === undefined || isOver(pod)) continue;
      if (pods >= mostPods) return result(true);
      take(pod, namespace);
      pods += 1;
      if (pods % tellEvery === 0) tell(`${pods} pods have been looked at`);
    }
  }
  return result(false);
}
