import { freezeDeep, isSame, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { rememberRecent } from './recently-used.ts';
import type { PodView } from '../../pod/view.ts';
import type { Decision, InjectionRequest } from '../decision.ts';
import type { Operation } from '../../json/operation.ts';
import { joinPatch } from '../patch/patch-text.ts';
import type { Snapshot } from '../snapshot.ts';

/** Decisions for the pods of one controller's revision, which differ in nothing that a decision depends on. */
export interface RememberedDecisions {
  /** What was decided for a pod like this one by this snapshot; its patch was verified on that pod. */
  recall(view: PodView, request: InjectionRequest, snapshot: Snapshot): Decision | undefined;
  /**
   * Notes a decision to inject, before its verification changes the pod. It comes back frozen, or as it was when it is not
   * worth keeping: a pod has to be the second of its kind, small, and the patch must be the same for every pod.
   */
  note(view: PodView, request: InjectionRequest, snapshot: Snapshot, decision: Decision): Decision;
  /** Takes back what was noted for this pod. */
  forget(view: PodView, request: InjectionRequest): void;
}

interface Remembered {
  /** Copies of pod and request as they were; undefined until the second pod of the kind. */
  readonly known: { readonly request: InjectionRequest; readonly decision: Decision } | undefined;
  readonly snapshot: Snapshot;
  /** Pods of the same controller that were different after all, one after the other. */
  readonly misses: number;
}

/** One of a usual pod weighs some 200 KiB. */
const bounds = { entries: 64, entryBytes: 512 * 1024, bytes: 16 * 1024 * 1024 } as const;

/** Values of a pod, objects and lists included; a larger one takes longer to compare than to decide about. */
const mostValues = 1_000;

/** Different pods of one controller (a DaemonSet's name their nodes) after which it is not tried any more. */
const mostMisses = 2;

/**
 * The ServiceAccount plug-in gives a pod's token volume a random end (kubernetes/plugin/pkg/admission/serviceaccount,
 * ServiceAccountVolumeName and the name generator of apiserver/pkg/storage/names).
 */
const tokenVolume = /^kube-api-access-[a-z0-9]{5}$/;

function areTokenVolumes(left: string, right: string): boolean {
  return left.length === 21 && right.length === 21 && tokenVolume.test(left) && tokenVolume.test(right);
}

function countValues(value: Json | undefined, limit: number): number {
  if (typeof value !== 'object' || value === null) return 1;
  let count = 1;
  for (const inner of Object.values(value)) {
    if (count > limit) return count;
    count += countValues(inner, limit - count);
  }
  return count;
}

/** Whether applying the patch changes values of its own, which other pods would then share. */
function changesItself(operations: readonly Operation[]): boolean {
  return operations.some((operation, index) => {
    if (operation.op === 'remove' || typeof operation.value !== 'object') return false;
    return operations.slice(index + 1).some(({ path }) => path.startsWith(`${operation.path}/`));
  });
}

/** Whether the decision names the token volume, so that the next pod needs another. */
function namesToken({ patch, warnings, reasons, added }: Decision): boolean {
  const said = JSON.stringify([warnings, reasons, added]);
  return said.includes('kube-api-access-') || joinPatch(patch).includes('kube-api-access-');
}

function isWorthKeeping(pod: JsonObject, decision: Decision): boolean {
  const isSmall = countValues(pod, mostValues) <= mostValues;
  return isSmall && !changesItself(decision.operations) && !namesToken(decision);
}

/** Pods of one revision have one prefix; a pod with a name of its own is alone. */
function keyOf({ metadata }: PodView, namespace: string): string | undefined {
  const prefix = stringMember(metadata, 'generateName');
  if (prefix === undefined || prefix === '' || stringMember(metadata, 'name') !== undefined) return undefined;
  return `${namespace}/${prefix}`;
}

/** Remembers the decisions that were used last. */
export function rememberDecisions(): RememberedDecisions {
  const remembered = rememberRecent<Remembered>(bounds, ({ known }) => known);
  return {
    recall(view, request, snapshot) {
      const key = keyOf(view, request.namespace);
      const entry = key === undefined ? undefined : remembered.get(key);
      if (key === undefined || entry?.known === undefined || entry.snapshot !== snapshot) return undefined;
      if (entry.misses > mostMisses) return undefined;
      if (isSame(entry.known.request, request, areTokenVolumes)) {
        remembered.put(key, entry.misses === 0 ? entry : { ...entry, misses: 0 });
        return entry.known.decision;
      }
      remembered.put(key, { ...entry, misses: entry.misses + 1 });
      return undefined;
    },
    note(view, request, snapshot, decision) {
      const key = keyOf(view, request.namespace);
      if (key === undefined) return decision;
      const entry = remembered.get(key);
      if (entry === undefined || entry.snapshot !== snapshot) {
        remembered.put(key, { known: undefined, snapshot, misses: 0 });
        return decision;
      }
      if (entry.misses > mostMisses) return decision;
      if (!isWorthKeeping(request.pod, decision)) {
        remembered.put(key, { ...entry, misses: mostMisses + 1 });
        return decision;
      }
      const kept = freezeDeep({ ...decision, patch: [{ text: joinPatch(decision.patch) }] });
      remembered.put(key, {
        known: { request: structuredClone(request), decision: kept },
        snapshot,
        misses: entry.misses,
      });
      return kept;
    },
    forget(view, request) {
      const key = keyOf(view, request.namespace);
      if (key !== undefined) remembered.delete(key);
    },
  };
}
