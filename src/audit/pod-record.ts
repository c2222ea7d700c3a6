import type { Injector } from '../injection/injector.ts';
import type { EntrySelectors } from '../injection/policy/registration.ts';
import type { PodNamespace } from '../injection/namespace-facts.ts';
import { withCode } from '../injection/policy/reason.ts';
import { standingOf } from '../injection/standing.ts';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../json/json.ts';
import { viewPod, type PodView } from '../pod/view.ts';
import { workloadOf, type Workload } from '../pod/workload.ts';
import { isUncaptured } from './capture.ts';
import type { Finding } from './finding.ts';
import { isOver } from './reading.ts';

/** The object that a pod belongs to. */
export interface Owner extends Workload {
  readonly namespace: string;
  /** Undefined if the pod does not say it. */
  readonly uid: string | undefined;
}

/** What is kept of a pod. */
export interface PodRecord {
  readonly name: string;
  readonly uid: string;
  readonly owner: Owner;
  /** Undefined if the pod is as a new one would be. */
  readonly finding: Finding | undefined;
  /** Particulars of the finding; empty if there are none. */
  readonly detail: string;
  readonly isRunning: boolean;
  /** Whether a controller of Kubernetes' own makes another pod in its place, as good as this one. */
  readonly isReplaced: boolean;
}

/** What pods are compared with. */
export interface Yardstick {
  readonly entries: readonly EntrySelectors[];
  readonly injector: Injector;
}

/** A Job is not among them: it counts the pod as failed, and starts its work anew. */
const replacing: ReadonlySet<string | undefined> = new Set([
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'ReplicationController',
]);

function findingOf(
  pod: JsonObject,
  namespace: PodNamespace,
  { entries, injector }: Yardstick,
): Pick<PodRecord, 'finding' | 'detail'> {
  const standing = standingOf(pod, namespace, entries, injector);
  switch (standing.state) {
    case 'left-alone':
      return { finding: undefined, detail: '' };
    case 'missed':
      return { finding: 'missed', detail: '' };
    case 'denied':
      return { finding: 'denied', detail: withCode(standing.reasons[0]) };
    case 'injected': {
      if (isUncaptured(pod)) return { finding: 'uncaptured', detail: '' };
      const { status, renewal } = standing;
      if (renewal.as === 'denied') return { finding: 'denied', detail: withCode(renewal.reasons[0]) };
      if (renewal.as !== 'outdated') return { finding: undefined, detail: '' };
      return { finding: 'outdated', detail: `settings ${status.settingsHash.slice(0, 8)}, version ${status.version}` };
    }
  }
}

/** Returns the owner of a pod, and whether a controller of Kubernetes' own makes another one in its place. */
export function ownerOf(view: PodView, namespace: string): { readonly owner: Owner; readonly isReplaced: boolean } {
  const workload = workloadOf(view);
  const controller = objectsMember(view.metadata, 'ownerReferences').find((one) => member(one, 'controller') === true);
  const isBare = workload.apiVersion === 'v1' && workload.kind === 'Pod';
  const isDirect =
    stringMember(controller, 'kind') === workload.kind && stringMember(controller, 'name') === workload.name;
  const uid = isBare ? stringMember(view.metadata, 'uid') : isDirect ? stringMember(controller, 'uid') : undefined;
  return { owner: { ...workload, namespace, uid }, isReplaced: replacing.has(stringMember(controller, 'kind')) };
}

/** Judges a pod. Undefined for one that has ended or is to end. */
export function recordOf(pod: JsonObject, namespace: PodNamespace, yardstick: Yardstick): PodRecord | undefined {
  if (isOver(pod)) return undefined;
  const view = viewPod(pod);
  return {
    name: stringMember(view.metadata, 'name') ?? '',
    uid: stringMember(view.metadata, 'uid') ?? '',
    ...ownerOf(view, namespace.name),
    ...findingOf(pod, namespace, yardstick),
    isRunning: stringMember(objectMember(pod, 'status'), 'phase') === 'Running',
  };
}

/** Identifies an owner in a cluster. */
export function ownerKey({ namespace, apiVersion, kind, name }: Owner): string {
  return `${namespace} ${apiVersion} ${kind} ${name}`;
}
