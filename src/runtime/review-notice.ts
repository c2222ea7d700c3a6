import type { Reviewed } from '../admission/handler.ts';
import { ownerKey, ownerOf } from '../audit/pod-record.ts';
import { isWorthTelling, reasons } from '../injection/policy/reason.ts';
import { stringMember } from '../json/json.ts';
import { viewPod, type PodView } from '../pod/view.ts';
import { version } from '../settings/version.ts';
import type { OwnerNotice } from './owner-events.ts';

/** Labels in which controllers write the revision of their template. */
const revisionLabels = ['pod-template-hash', 'controller-revision-hash', 'rollouts-pod-template-hash'] as const;

/** Longer than the names of any owner in Kubernetes together. Callers can send any text, and these are remembered. */
const longestNames = 1_024;

function revisionOf({ labels }: PodView): string {
  return revisionLabels.map((key) => stringMember(labels, key)).find((value) => value !== undefined) ?? '';
}

/**
 * Returns what an Event says of a review; undefined where there is nothing to say: a dry run, or a pod that nobody asked to be
 * injected. It has nothing of the pod but its owner and revision, because anybody who reaches the port may send a review.
 */
export function noticeOf({ decision, request }: Reviewed & { readonly status: 200 }): OwnerNotice | undefined {
  const { outcome, settingsHash } = decision;
  const [{ code }] = decision.reasons;
  if (request.dryRun || request.object === undefined || request.namespace === '') return undefined;
  // That it was called at all means that the namespace or the pod asks.
  if (outcome === 'skip' && !isWorthTelling(code, true)) return undefined;
  const view = viewPod(request.object);
  const { owner } = ownerOf(view, request.namespace);
  const revision = revisionOf(view);
  if (owner.name === '' || ownerKey(owner).length + revision.length > longestNames) return undefined;
  const settings = `settings ${settingsHash.slice(0, 8)}, version ${version}`;
  const common = { owner, identity: [outcome, code, revision, settingsHash, version].join(' '), action: 'Inject' };
  const pods = revision === '' ? 'pods' : `pods of revision ${revision}`;
  const why = `${reasons[code].meaning.replace(/\.$/, '')} (${code})`;
  switch (outcome) {
    case 'inject':
      return { ...common, type: 'Normal', reason: 'Injected', note: `${pods} get a sidecar: ${settings}` };
    case 'skip':
      return { ...common, type: 'Warning', reason: 'InjectionSkipped', note: `${pods} get no sidecar: ${why}` };
    case 'deny': {
      const where = 'the particulars are in what the API server answers, such as in the Events of the ReplicaSet';
      return { ...common, type: 'Warning', reason: 'InjectionDenied', note: `${pods} are denied: ${why}; ${where}` };
    }
  }
}
