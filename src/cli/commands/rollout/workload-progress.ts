import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';

/** How far a workload is with its pods, in words. */
export interface Progress {
  /** `done`: all pods are those of the newest revision, and available. `failed`: its controller has given up. */
  readonly state: 'done' | 'going' | 'failed';
  readonly text: string;
}

/** A kind of workload that can be restarted through its controller. */
export interface RestartableKind {
  readonly apiVersion: string;
  readonly collection: string;
  /** Why a restart of this one would not make its pods anew by itself; undefined if it would. */
  readonly obstacle: (object: JsonObject) => string | undefined;
  readonly progress: (object: JsonObject) => Progress;
}

function numberOf(object: JsonObject | undefined, key: string, fallback = 0): number {
  const value = member(object, key);
  return typeof value === 'number' ? value : fallback;
}

const specOf = (object: JsonObject): JsonObject | undefined => objectMember(object, 'spec');
const statusOf = (object: JsonObject): JsonObject | undefined => objectMember(object, 'status');

/** Whether the controller has seen the newest generation. A Rollout has it as text. */
function isObserved(object: JsonObject): boolean {
  const generation = numberOf(objectMember(object, 'metadata'), 'generation');
  return Number(member(statusOf(object), 'observedGeneration') ?? 0) >= generation;
}

function counted(updated: number, available: number, wanted: number): Progress {
  const state = updated >= wanted && available >= wanted ? 'done' : 'going';
  return { state, text: `${updated} of ${wanted} pods are new, ${available} are available` };
}

const unseen: Progress = { state: 'going', text: 'its controller has not seen the change yet' };

/** As `kubectl rollout status` says it (k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go). */
function deploymentProgress(object: JsonObject): Progress {
  if (!isObserved(object)) return unseen;
  const status = statusOf(object);
  const given = objectsMember(status, 'conditions').find(
    (one) => stringMember(one, 'type') === 'Progressing' && stringMember(one, 'reason') === 'ProgressDeadlineExceeded',
  );
  if (given !== undefined)
    return { state: 'failed', text: stringMember(given, 'message') ?? 'its deadline has passed' };
  const [updated, available] = [numberOf(status, 'updatedReplicas'), numberOf(status, 'availableReplicas')];
  const old = numberOf(status, 'replicas') - updated;
  const progress = counted(updated, available, numberOf(specOf(object), 'replicas', 1));
  return old > 0 ? { state: 'going', text: `${progress.text}, ${old} old ones are left` } : progress;
}

function statefulSetProgress(object: JsonObject): Progress {
  if (!isObserved(object)) return unseen;
  const status = statusOf(object);
  const progress = counted(
    numberOf(status, 'updatedReplicas'),
    numberOf(status, 'availableReplicas', numberOf(status, 'readyReplicas')),
    numberOf(specOf(object), 'replicas', 1),
  );
  const isSettled = stringMember(status, 'currentRevision') === stringMember(status, 'updateRevision');
  return isSettled ? progress : { ...progress, state: 'going' };
}

function daemonSetProgress(object: JsonObject): Progress {
  if (!isObserved(object)) return unseen;
  const status = statusOf(object);
  return counted(
    numberOf(status, 'updatedNumberScheduled'),
    numberOf(status, 'numberAvailable'),
    numberOf(status, 'desiredNumberScheduled'),
  );
}

function rolloutProgress(object: JsonObject): Progress {
  const [spec, status] = [specOf(object), statusOf(object)];
  const phase = stringMember(status, 'phase') ?? 'unknown';
  const text = `its phase is ${phase}${stringMember(status, 'message') ? `: ${stringMember(status, 'message')}` : ''}`;
  if (phase === 'Degraded') return { state: 'failed', text };
  const asked = stringMember(spec, 'restartAt');
  const isRestarted = asked === undefined || stringMember(status, 'restartedAt') === asked;
  return { state: isObserved(object) && isRestarted && phase === 'Healthy' ? 'done' : 'going', text };
}

function updateObstacle(object: JsonObject): string | undefined {
  const strategy = objectMember(specOf(object), 'updateStrategy');
  if (stringMember(strategy, 'type') === 'OnDelete') return 'its update strategy is OnDelete';
  const partition = numberOf(objectMember(strategy, 'rollingUpdate'), 'partition');
  return partition > 0 ? `its update has the partition ${partition}` : undefined;
}

const pausedObstacle = (object: JsonObject): string | undefined =>
  member(specOf(object), 'paused') === true ? 'it is paused' : undefined;

/** Kinds by name. */
export const restartableKinds: Readonly<Record<string, RestartableKind>> = {
  Deployment: {
    apiVersion: 'apps/v1',
    collection: 'deployments',
    obstacle: pausedObstacle,
    progress: deploymentProgress,
  },
  StatefulSet: {
    apiVersion: 'apps/v1',
    collection: 'statefulsets',
    obstacle: updateObstacle,
    progress: statefulSetProgress,
  },
  DaemonSet: { apiVersion: 'apps/v1', collection: 'daemonsets', obstacle: updateObstacle, progress: daemonSetProgress },
  Rollout: {
    apiVersion: 'argoproj.io/v1alpha1',
    collection: 'rollouts',
    obstacle: pausedObstacle,
    progress: rolloutProgress,
  },
};
