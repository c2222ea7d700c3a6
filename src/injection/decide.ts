import { viewPod, type PodView } from '../pod/view.ts';
import { statusAnnotation } from '../pod/conventions.ts';
import { member } from '../json/json.ts';
import { shapeProblems } from './plan/conflicts.ts';
import { decisionWithoutPatch, type Decision, type InjectionRequest } from './decision.ts';
import { proposeInjection } from './flavours/standalone/inject.ts';
import { proposeIstiodInjection } from './flavours/istio/inject.ts';
import { writePatchText, type KnownTexts } from './patch/patch-text.ts';
import { asksForInjection, decidePolicy } from './policy/policy.ts';
import { atLeastOne, isRefusal, type Proposal, type Refusal } from './patch/proposal.ts';
import { isWorthTelling, reason } from './policy/reason.ts';
import { parseRecord } from './patch/record.ts';
import { proposeReinjection } from './flavours/standalone/reinvoke.ts';
import type { Snapshot } from './snapshot.ts';
import { applyAndVerify } from './patch/verify.ts';

/** kubectl shows long ones whole, but the API server cuts the sum of all near 4 KiB. */
const longestWarning = 256;

const noTexts: KnownTexts = new Map();

function warning(text: string): string {
  const line = `sidecar-injector: ${text}`.replaceAll(/\p{Cc}+/gu, ' ');
  return line.length > longestWarning ? `${line.slice(0, longestWarning - 1)}…` : line;
}

function withoutPatch({ outcome, reasons, remarks = [] }: Refusal, view: PodView, snapshot: Snapshot): Decision {
  const asked = asksForInjection(view);
  const told = outcome === 'skip' ? reasons.filter(({ code }) => isWorthTelling(code, asked)) : [];
  const warnings = [...told.map(({ message }) => `not injected: ${message}`), ...remarks].map(warning);
  return decisionWithoutPatch(outcome, reasons, warnings, snapshot.hash);
}

function propose(view: PodView, request: InjectionRequest, snapshot: Snapshot): Proposal | Refusal {
  const policy = decidePolicy(view, request.namespace, snapshot.settings);
  if (policy.outcome !== 'inject') return { outcome: policy.outcome, reasons: policy.reasons };
  const wrong = atLeastOne(shapeProblems(view));
  if (wrong !== undefined) return { outcome: 'reject', reasons: wrong };
  const status = view.annotations === undefined ? undefined : member(view.annotations, statusAnnotation);
  const record = status === undefined ? undefined : parseRecord(status);
  if (record !== undefined) return proposeReinjection(view, record, request, snapshot);
  const proposeFirst = snapshot.settings.mode === 'istiod' ? proposeIstiodInjection : proposeInjection;
  return proposeFirst(view, request, snapshot, policy.reasons);
}

/**
 * Decides about one pod: policy, plan, patch, verification. No I/O, no clock; the same request and snapshot give the
 * same decision. The pod is CONSUMED: after an injection it may hold the result, because the verification applies the
 * patch in place. Callers that need it unchanged pass a copy.
 */
export function decideInPlace(request: InjectionRequest, snapshot: Snapshot): Decision {
  const view = viewPod(request.pod);
  const known = snapshot.decisions.recall(view, request, snapshot);
  if (known !== undefined) return known;
  const proposed = propose(view, request, snapshot);
  if (isRefusal(proposed)) return withoutPatch(proposed, view, snapshot);
  const { operations, texts = noTexts, record, reasons, remarks, added, capture, proxy } = proposed;
  // Written and noted before the verification, which makes the operations' values part of the pod.
  const decision = snapshot.decisions.note(view, request, snapshot, {
    outcome: 'inject',
    reasons,
    warnings: remarks.map(warning),
    operations,
    patch: writePatchText(operations, texts),
    added,
    capture,
    settingsHash: snapshot.hash,
  });
  const violations = applyAndVerify(request.pod, operations, record, {
    privilegedProxy: snapshot.settings.mode === 'istiod' && !snapshot.settings.istiod.hardened,
  });
  if (violations.length === 0) {
    if (proxy !== undefined) snapshot.proxies.keep(proxy);
    return decision;
  }
  snapshot.decisions.forget(view, request);
  const outcome = snapshot.settings.injection.onInvalidPatch === 'deny' ? 'reject' : 'skip';
  const message = `the patch failed its own verification, please report it: ${violations.join('; ')}`;
  return withoutPatch({ outcome, reasons: [reason('InvalidPatch', message)] }, view, snapshot);
}

/** The same, on a copy of the pod: the caller's object stays as it is. */
export function decide(request: InjectionRequest, snapshot: Snapshot): Decision {
  return decideInPlace({ ...request, pod: structuredClone(request.pod) }, snapshot);
}
