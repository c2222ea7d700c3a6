import { freezeDeep, isSame, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { rememberRecent } from './recently-used.ts';
import type { PodView } from '../../pod/view.ts';
import type { Decision, InjectionRequest } from '../decision.ts';
import type { Operation } from '../../json/operation.ts';
import { joinPatch } from '../patch/patch-text.ts';

/** What is known of pods like one: the decision, verified on another, or how to remember that of this one. */
export type Recalled =
  | { readonly known: Decision }
  | {
      /**
       * Remembers a decision to inject that was verified. It comes back frozen, or as it was when it is not worth keeping:
       * a pod has to be the second of its kind, small, and the patch must be the same for every pod.
       */
      readonly remember: (decision: Decision) => Decision;
    };

/** Decisions for the pods of one controller's revision, which differ in nothing that a decision depends on. */
export interface RememberedDecisions {
  recall(view: PodView, request: InjectionRequest): Recalled;
}

interface Remembered {
  /** Copies of pod and request as they were; undefined until the second pod of the kind. */
  readonly known: { readonly request: InjectionRequest; readonly decision: Decision } | undefined;
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

function isSmall(pod: JsonObject): boolean {
  return countValues(pod, mostValues) <= mostValues;
}

/** Whether the next pod can have the same. */
function fitsOthers(decision: Decision): boolean {
  return !changesItself(decision.operations) && !namesToken(decision);
}

/** Pods of one revision have one prefix; a pod with a name of its own is alone. */
function keyOf({ metadata }: PodView, namespace: string): string | undefined {
  const prefix = stringMember(metadata, 'generateName');
  if (prefix === undefined || prefix === '' || stringMember(metadata, 'name') !== undefined) return undefined;
  return `${namespace}/${prefix}`;
}

const asItIs: Recalled = { remember: (decision) => decision };

/** Remembers the decisions that were used last, of one snapshot. */
export function rememberDecisions(): RememberedDecisions {
  const remembered = rememberRecent<Remembered>(bounds, ({ known }) => known);

  /** The pod is copied now: the verification, which comes before the decision is remembered, changes it. */
  const second = (key: string, request: InjectionRequest, misses: number): Recalled => {
    if (!isSmall(request.pod)) {
      remembered.put(key, { known: undefined, misses: mostMisses + 1 });
      return asItIs;
    }
    const copy = structuredClone(request);
    return {
      remember(decision) {
        if (!fitsOthers(decision)) {
          remembered.put(key, { known: undefined, misses: mostMisses + 1 });
          return decision;
        }
        const kept = freezeDeep({ ...decision, patch: [{ text: joinPatch(decision.patch) }] });
        remembered.put(key, { known: { request: copy, decision: kept }, misses });
        return kept;
      },
    };
  };

  return {
    recall(view, request) {
      const key = keyOf(view, request.namespace);
      if (key === undefined) return asItIs;
      const entry = remembered.get(key);
      if (entry === undefined) {
        return {
          remember(decision) {
            remembered.put(key, { known: undefined, misses: 0 });
            return decision;
          },
        };
      }
      if (entry.misses > mostMisses) return asItIs;
      if (entry.known === undefined) return second(key, request, entry.misses);
      if (isSame(entry.known.request, request, areTokenVolumes)) {
        remembered.put(key, entry.misses === 0 ? entry : { ...entry, misses: 0 });
        return { known: entry.known.decision };
      }
      remembered.put(key, { ...entry, misses: entry.misses + 1 });
      return entry.misses + 1 > mostMisses ? asItIs : second(key, request, entry.misses + 1);
    },
  };
}
