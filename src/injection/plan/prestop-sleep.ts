import { pointerOf, type PodContainer } from '../../pod/containers.ts';
import type { PreStopWaits } from '../../envoy/intent.ts';
import type { PodView } from '../../pod/view.ts';
import { isObject, member, objectAt, objectMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import type { Operation } from '../../json/operation.ts';

/** What stood in place of the hook, for the undo record. */
type Before = 'no lifecycle' | 'null lifecycle' | 'no preStop' | 'null preStop';

/** An application container that gets a preStop hook `sleep`. */
export interface SleepEdit {
  readonly at: PodContainer;
  readonly seconds: number;
  readonly before: Before;
}

/** The hooks to add, and warnings. */
export interface SleepPlan {
  readonly edits: readonly SleepEdit[];
  readonly warnings: readonly string[];
}

function beforeOf(container: JsonObject): Before | undefined {
  const lifecycle = member(container, 'lifecycle');
  if (lifecycle === undefined) return 'no lifecycle';
  if (lifecycle === null) return 'null lifecycle';
  if (!isObject(lifecycle)) return undefined;
  const preStop = member(lifecycle, 'preStop');
  if (preStop === undefined) return 'no preStop';
  return preStop === null ? 'null preStop' : undefined;
}

/** What the pod and its cluster define about the termination of containers. */
export interface Termination {
  /** Kubernetes' terminationGracePeriodSeconds. */
  readonly gracePeriodSeconds: number;
  /** Whether the API server supports the hook `sleep`. */
  readonly knowsSleep: boolean;
}

/** Returns the pod's grace period in seconds; Kubernetes' default is 30. */
function gracePeriodOf(view: PodView): number {
  const value = member(view.spec, 'terminationGracePeriodSeconds');
  return typeof value === 'number' ? value : 30;
}

/** Returns the termination of this pod in this cluster. */
export function terminationOf(view: PodView, { sleepHook }: { readonly sleepHook: boolean }): Termination {
  return { gracePeriodSeconds: gracePeriodOf(view), knowsSleep: sleepHook };
}

/**
 * Returns how long the containers wait in their preStop hooks, planned sleeps included. How long a command or an HTTP
 * request takes cannot be read from it, although the command may be `sleep 30`.
 */
export function preStopWaits(containers: readonly PodContainer[], planned: readonly SleepEdit[]): PreStopWaits {
  const own = containers.map(({ raw }) => objectAt(raw, ['lifecycle', 'preStop'])).filter((hook) => hook !== undefined);
  const sleeps = own.flatMap((hook) => {
    const value = member(objectMember(hook, 'sleep'), 'seconds');
    return typeof value === 'number' ? [value] : [];
  });
  return {
    sleepSeconds: Math.max(0, ...sleeps, ...planned.map(({ seconds }) => seconds)),
    others: own.some((hook) => objectMember(hook, 'exec') !== undefined || objectMember(hook, 'httpGet') !== undefined),
  };
}

/**
 * Plans a sleep before the termination of each application container without a preStop hook of its own, so that
 * requests on their way to the pod are still served. The API server rejects a sleep longer than the grace period, and
 * the application needs a part of that period for its own termination.
 */
export function planSleeps(
  containers: readonly PodContainer[],
  drainSeconds: number,
  { gracePeriodSeconds, knowsSleep }: Termination,
): SleepPlan {
  if (drainSeconds === 0) return { edits: [], warnings: [] };
  if (!knowsSleep) {
    const message = 'this cluster does not know the preStop hook `sleep` (Kubernetes 1.30 and later do)';
    return { edits: [], warnings: [`${message}; applicationDrainSeconds is left out`] };
  }
  const seconds = Math.min(drainSeconds, gracePeriodSeconds - 1);
  const edits = containers.flatMap((at): SleepEdit[] => {
    const before = at.list === 'containers' && seconds > 0 ? beforeOf(at.raw) : undefined;
    return before === undefined ? [] : [{ at, seconds, before }];
  });
  const short = `applicationDrainSeconds ${drainSeconds} does not fit into the grace period of ${gracePeriodSeconds} s`;
  const warnings =
    seconds === drainSeconds ? [] : [`${short}; ${seconds > 0 ? `${seconds} s are used` : 'it is left out'}`];
  return { edits, warnings };
}

/** Returns the operation that adds the hook to its container. */
export function sleepOperation({ at, seconds, before }: SleepEdit): Operation {
  const pointer = `${pointerOf(at)}/lifecycle`;
  const preStop = { sleep: { seconds } };
  return before === 'no lifecycle' || before === 'null lifecycle'
    ? { op: 'add', path: pointer, value: { preStop } }
    : { op: 'add', path: `${pointer}/preStop`, value: preStop };
}

/** Returns the hooks for the undo record: container -> seconds, and what stood there before. */
export function recordedSleeps(edits: readonly SleepEdit[]): JsonObject {
  return Object.fromEntries(edits.map(({ at, seconds, before }) => [at.name, { seconds, before }]));
}

function isOurs(preStop: JsonObject | undefined, seconds: Json | undefined): boolean {
  const sleep = objectMember(preStop, 'sleep');
  return sleep !== undefined && Object.keys(preStop ?? {}).length === 1 && member(sleep, 'seconds') === seconds;
}

/** Returns whether the container has the recorded hook. */
export function isSleep(container: JsonObject, recorded: JsonObject): boolean {
  return isOurs(objectMember(objectMember(container, 'lifecycle'), 'preStop'), member(recorded, 'seconds'));
}

/**
 * Removes the recorded hooks from the containers that still have them.
 *
 * @param nameOf returns the recorded name of a container
 */
export function undoSleeps(
  view: PodView,
  recorded: JsonObject,
  nameOf: (container: JsonObject) => string,
): Operation[] {
  return view.containers.flatMap((container, index): Operation[] => {
    const sleep = objectMember(recorded, nameOf(container));
    const lifecycle = objectMember(container, 'lifecycle');
    if (sleep === undefined || lifecycle === undefined || !isSleep(container, sleep)) return [];
    const pointer = `/spec/containers/${index}/lifecycle`;
    const before = stringMember(sleep, 'before');
    const isAlone = Object.keys(lifecycle).length === 1;
    if (isAlone && before === 'no lifecycle') return [{ op: 'remove', path: pointer }];
    if (isAlone && before === 'null lifecycle') return [{ op: 'replace', path: pointer, value: null }];
    const path = `${pointer}/preStop`;
    return before === 'null preStop' ? [{ op: 'replace', path, value: null }] : [{ op: 'remove', path }];
  });
}
