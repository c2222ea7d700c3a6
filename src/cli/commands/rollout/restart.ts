import { withCode } from '../../../injection/policy/reason.ts';
import type { Renewal } from '../../../injection/renewal.ts';
import { objectMember, type JsonObject } from '../../../json/json.ts';
import { isApiError } from '../../../kubernetes/api-error.ts';
import { pathSegment, type ApiClient } from '../../../kubernetes/client.ts';
import { restartableKinds, type Progress } from './workload-progress.ts';
import type { OwnerPods } from './survey.ts';

/** The annotation with which `kubectl rollout restart` changes a pod template. */
const restartedAt = 'kubectl.kubernetes.io/restartedAt';

/** A workload that is to be restarted. */
export interface Target {
  readonly name: string;
  readonly path: string;
  readonly kind: string;
  readonly outdated: number;
  readonly pods: number;
}

/** A workload that is not restarted. */
export interface LeftAlone {
  readonly name: string;
  readonly why: string;
}

/** Which workloads to restart, and which have outdated pods but must be left alone, with the reason. */
export interface RestartPlan {
  readonly targets: readonly Target[];
  readonly left: readonly LeftAlone[];
}

async function readWorkload(client: Pick<ApiClient, 'get'>, path: string): Promise<JsonObject | undefined> {
  try {
    return (await client.get(path)).body;
  } catch (error) {
    if (isApiError(error, 'not-found')) return undefined;
    throw error;
  }
}

function pathOf({ namespace, owner }: OwnerPods): string | undefined {
  const kind = Object.hasOwn(restartableKinds, owner.kind) ? restartableKinds[owner.kind] : undefined;
  if (kind?.apiVersion !== owner.apiVersion) return undefined;
  const where = `/apis/${kind.apiVersion}/namespaces/${pathSegment('namespace', namespace)}`;
  return `${where}/${kind.collection}/${pathSegment('name', owner.name)}`;
}

/** Why a workload must not be restarted now; undefined if it may. */
function obstacleOf(kind: string, object: JsonObject | undefined): string | undefined {
  if (object === undefined) return 'it does not exist';
  const rules = restartableKinds[kind];
  const obstacle = rules?.obstacle(object);
  if (obstacle !== undefined) return `${obstacle}: restart its pods by hand`;
  const { state, text } = rules?.progress(object) ?? { state: 'failed', text: '' };
  return state === 'done' ? undefined : `it is not available as a whole now (${text})`;
}

/** Why a pod must not be created anew; undefined if it may. */
export function keptBecause(renewal: Renewal): string | undefined {
  if (renewal.as === 'denied') return `a new pod would be denied: ${withCode(renewal.reasons[0])}`;
  return 'because' in renewal ? renewal.because : undefined;
}

/** Plans restarts of the workloads that have outdated pods. Rejects with an `ApiError`. */
export async function planRestarts(client: Pick<ApiClient, 'get'>, owners: readonly OwnerPods[]): Promise<RestartPlan> {
  const targets: Target[] = [];
  const left: LeftAlone[] = [];
  for (const owner of owners) {
    const name = `${owner.namespace} ${owner.owner.kind}/${owner.owner.name}`;
    const outdated = owner.states.filter(({ renewal }) => renewal.as === 'outdated').length;
    const kept = owner.states.flatMap(({ renewal }) => keptBecause(renewal) ?? []);
    if (kept[0] !== undefined) left.push({ name, why: kept[0] });
    if (outdated === 0 || kept[0] !== undefined) continue;
    const path = pathOf(owner);
    const why =
      path === undefined
        ? 'no controller replaces its pods one by one: replace them by hand'
        : obstacleOf(owner.owner.kind, await readWorkload(client, path));
    if (path === undefined || why !== undefined) left.push({ name, why: why ?? '' });
    else targets.push({ name, path, kind: owner.owner.kind, outdated, pods: owner.states.length });
  }
  return { targets, left };
}

function restartOperations(kind: string, object: JsonObject, now: Date): readonly JsonObject[] {
  const version = {
    op: 'test',
    path: '/metadata/resourceVersion',
    value: objectMember(object, 'metadata')?.['resourceVersion'] ?? null,
  };
  if (kind === 'Rollout')
    return [version, { op: 'add', path: '/spec/restartAt', value: now.toISOString().replace(/\.\d+/, '') }];
  const template = objectMember(objectMember(object, 'spec'), 'template');
  const annotations = objectMember(objectMember(template, 'metadata'), 'annotations') ?? {};
  const value = { ...annotations, [restartedAt]: now.toISOString() };
  return [version, { op: 'add', path: '/spec/template/metadata/annotations', value }];
}

/** Time, so that tests rule over it. */
export interface Clock {
  now(): Date;
  sleep(milliseconds: number): Promise<void>;
}

const pauseMs = 1_000;

/** How often a change by somebody else between reading and writing is taken in. */
const mostTries = 5;

/**
 * Restarts a workload as it is now: since the plan, hours may have passed.
 *
 * @returns why it was left alone; undefined if it is restarted
 */
async function restartOne(client: ApiClient, { kind, path }: Target, clock: Clock): Promise<string | undefined> {
  for (let tries = 1; ; tries++) {
    const object = await readWorkload(client, path);
    const why = obstacleOf(kind, object);
    if (object === undefined || why !== undefined) return why;
    try {
      await client.patch(path, restartOperations(kind, object, clock.now()));
      return undefined;
    } catch (error) {
      const isStale = isApiError(error, 'conflict', 'invalid', 'not-found');
      if (!isStale || tries === mostTries) throw error;
    }
  }
}

/** Says how far a workload has come, or that nobody can tell just now; undefined if it does not exist any more. */
async function progressOf(client: ApiClient, { kind, path }: Target): Promise<Progress | undefined> {
  try {
    const object = await readWorkload(client, path);
    if (object === undefined) return undefined;
    return restartableKinds[kind]?.progress(object) ?? { state: 'failed', text: '' };
  } catch (error) {
    // An API server that is replaced meanwhile does not end a restart of hours.
    if (!isApiError(error, 'unreachable', 'timeout', 'server-error')) throw error;
    return { state: 'going', text: error.message };
  }
}

/**
 * Waits until all pods of a workload are new and available, and says how far it has come if it is not; undefined if it does
 * not exist any more.
 */
async function waitFor(
  client: ApiClient,
  target: Target,
  timeoutMs: number,
  clock: Clock,
): Promise<Progress | undefined> {
  const end = clock.now().getTime() + timeoutMs;
  for (;;) {
    const progress = await progressOf(client, target);
    if (progress === undefined) return undefined;
    if (progress.state !== 'going' || clock.now().getTime() >= end) return progress;
    await clock.sleep(pauseMs);
  }
}

/** What became of the restarts: undefined if all are available again, else the first that is not. */
export interface RestartFailure {
  readonly target: Target;
  readonly progress: Progress;
  readonly remaining: number;
}

/** Is told what becomes of each workload, when it is known. */
export interface RestartObserver {
  readonly restarted: (text: string) => void;
  readonly left: (workload: LeftAlone) => void;
}

/**
 * Restarts workloads through their controllers, one after another: the next one only when the one before is available as a
 * whole again and the interval has passed. It stops at the first that does not become so. One that meanwhile is gone, paused
 * or not available for another reason is left alone. Rejects with an `ApiError`.
 */
export async function restartAll(
  client: ApiClient,
  targets: readonly Target[],
  { intervalMs, timeoutMs }: { readonly intervalMs: number; readonly timeoutMs: number },
  clock: Clock,
  observer: RestartObserver,
): Promise<RestartFailure | undefined> {
  for (const [index, target] of targets.entries()) {
    if (index > 0) await clock.sleep(intervalMs);
    const start = clock.now().getTime();
    const why = await restartOne(client, target, clock);
    const progress = why === undefined ? await waitFor(client, target, timeoutMs, clock) : undefined;
    if (progress === undefined) {
      observer.left({ name: target.name, why: why ?? 'it does not exist any more' });
      continue;
    }
    if (progress.state !== 'done') return { target, progress, remaining: targets.length - index - 1 };
    const seconds = Math.round((clock.now().getTime() - start) / 1_000);
    observer.restarted(`${target.name}: available again after ${seconds} s (${index + 1} of ${targets.length})`);
  }
  return undefined;
}
