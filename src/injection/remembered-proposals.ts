import { freezeDeep, isSame, stringMember, type Json, type JsonObject } from '../settings/json.ts';
import type { PodView } from '../sidecars/pod-view.ts';
import type { InjectionRequest } from './decision.ts';
import type { Operation } from './operation.ts';
import { joinPatch, type PatchText } from './patch-text.ts';
import type { Proposal } from './proposal.ts';
import type { Snapshot } from './snapshot.ts';

/** A proposal and the text of its patch. */
export interface WrittenProposal {
  readonly proposal: Proposal;
  readonly patch: PatchText;
}

/** Proposals for the pods of one controller's revision, which differ in nothing that a proposal depends on. */
export interface RememberedProposals {
  /** What was proposed for a pod like this one, by this snapshot. */
  recall(view: PodView, request: InjectionRequest, snapshot: Snapshot): WrittenProposal | undefined;
  /**
   * Notes a proposal, before it is applied. It comes back frozen, or as it was when it is not worth keeping: a pod has to
   * be the second of its kind, small, and the patch must be the same for every pod.
   */
  note(view: PodView, request: InjectionRequest, snapshot: Snapshot, made: WrittenProposal): WrittenProposal;
}

interface Remembered {
  /** Copies of pod and request as they were; undefined until the second pod of the kind. */
  readonly known: { readonly request: InjectionRequest; readonly made: WrittenProposal } | undefined;
  readonly snapshot: Snapshot;
  /** Pods of the same controller that were different after all, one after the other. */
  readonly misses: number;
}

/** One takes some 100 KB. */
const capacity = 64;

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

/** Whether patch, remarks or reasons name the token volume, so that the next pod needs others. */
function namesToken({ proposal, patch }: WrittenProposal): boolean {
  const said = JSON.stringify([proposal.remarks, proposal.reasons, proposal.added]);
  return said.includes('kube-api-access-') || joinPatch(patch).includes('kube-api-access-');
}

function isWorthKeeping(pod: JsonObject, made: WrittenProposal): boolean {
  const isSmall = countValues(pod, mostValues) <= mostValues;
  return isSmall && !changesItself(made.proposal.operations) && !namesToken(made);
}

/** Pods of one revision have one prefix; a pod with a name of its own is alone. */
function keyOf({ metadata }: PodView, namespace: string): string | undefined {
  const prefix = stringMember(metadata, 'generateName');
  if (prefix === undefined || prefix === '' || stringMember(metadata, 'name') !== undefined) return undefined;
  return `${namespace}/${prefix}`;
}

/** Remembers the proposals that were used last. */
export function rememberProposals(): RememberedProposals {
  const remembered = new Map<string, Remembered>();
  const put = (key: string, entry: Remembered): void => {
    // A map keeps the order of insertion, so the first key is the one that was not used for longest.
    if (!remembered.delete(key) && remembered.size >= capacity) {
      const [oldest] = remembered.keys();
      if (oldest !== undefined) remembered.delete(oldest);
    }
    remembered.set(key, entry);
  };
  return {
    recall(view, request, snapshot) {
      const key = keyOf(view, request.namespace);
      const entry = key === undefined ? undefined : remembered.get(key);
      if (key === undefined || entry?.known === undefined || entry.snapshot !== snapshot) return undefined;
      if (entry.misses > mostMisses) return undefined;
      if (isSame(entry.known.request, request, areTokenVolumes)) {
        put(key, { ...entry, misses: 0 });
        return entry.known.made;
      }
      put(key, { ...entry, misses: entry.misses + 1 });
      return undefined;
    },
    note(view, request, snapshot, made) {
      const key = keyOf(view, request.namespace);
      if (key === undefined) return made;
      const entry = remembered.get(key);
      if (entry === undefined || entry.snapshot !== snapshot) {
        put(key, { known: undefined, snapshot, misses: 0 });
        return made;
      }
      if (entry.misses > mostMisses) return made;
      if (!isWorthKeeping(request.pod, made)) {
        put(key, { ...entry, misses: mostMisses + 1 });
        return made;
      }
      const kept = freezeDeep({ ...made, patch: [{ text: joinPatch(made.patch) }] });
      put(key, { known: { request: structuredClone(request), made: kept }, snapshot, misses: entry.misses });
      return kept;
    },
  };
}
