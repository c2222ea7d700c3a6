import type { Flavour } from './flavours/flavour.ts';
import { flavours } from './flavours/flavours.ts';
import { damagedStatus, lacksInitContainers, refusalOf } from './policy/status-fit.ts';
import { rememberDecisions } from './cache/decisions.ts';
import { rememberFragments, type RememberedFragments } from './cache/fragments.ts';
import { viewPod, type PodView } from '../pod/view.ts';
import { statusAnnotation } from '../pod/conventions.ts';
import { applyToValue } from '../json/apply.ts';
import { member, type JsonObject } from '../json/json.ts';
import { shapeProblems } from './plan/conflicts.ts';
import { namespaceOf } from './namespace-facts.ts';
import { podSecurityWarnings } from './pod-security.ts';
import { visible } from '../grammar/visible.ts';
import { decisionWithoutPatch, type Decision, type InjectionRequest } from './decision.ts';
import { writePatchText, type KnownTexts } from './patch/patch-text.ts';
import { asksForInjection, decidePolicy } from './policy/policy.ts';
import { isNotInjected, type Proposal, type NotInjected } from './patch/proposal.ts';
import { atLeastOne, isOfInjected, isWorthTelling, reason, type Reason, type Reasons } from './policy/reason.ts';
import type { Leftovers } from './plan/leftovers.ts';
import { parseStatus } from './patch/status.ts';
import { undo } from './patch/undo.ts';
import type { Snapshot } from './snapshot.ts';
import { applyAndVerify, violationsIn } from './patch/verify.ts';

/** kubectl shows long warnings in full, but the API server limits the sum of all to about 4 KiB. */
const longestWarning = 256;

const noTexts: KnownTexts = new Map();

function shownWarning(text: string, end = ''): string {
  const line = visible(`sidecar-injector: ${text}`.replaceAll(/\p{Cc}+/gu, ' '));
  const room = longestWarning - end.length;
  const cut = line.slice(0, room - 1).replace(/[\uD800-\uDBFF]$/, '');
  return `${line.length > room ? `${cut}…` : line}${end}`;
}

/** Warnings for the reasons that are worth one. Their code stays if the text has to be shortened. */
function warningsOf(
  reasons: readonly Reason[],
  view: PodView,
  start: (code: Reason['code']) => string = () => '',
): string[] {
  const asked = asksForInjection(view);
  return reasons
    .filter(({ code }) => isWorthTelling(code, asked))
    .map(({ code, message }) => shownWarning(`${start(code)}${message}`, ` (${code})`));
}

function withoutPatch({ outcome, reasons, warnings = [] }: NotInjected, view: PodView, snapshot: Snapshot): Decision {
  const start = (code: Reason['code']): string => (isOfInjected(code) ? '' : 'not injected: ');
  const told = outcome === 'skip' ? warningsOf(reasons, view, start) : [];
  const shown = [...told, ...warnings.map((text) => shownWarning(text))];
  return decisionWithoutPatch(outcome, reasons, shown, snapshot.hash);
}

/** What all decisions of one injector share. */
interface Circumstances {
  readonly snapshot: Snapshot;
  readonly flavour: Flavour;
  readonly fragments: RememberedFragments;
}

/**
 * Plans the injection of a pod without what an earlier injection has left in it.
 *
 * @param operations that have to be applied before, which made the pod of the view
 */
function proposeAnew(
  view: PodView,
  request: InjectionRequest,
  why: Reasons,
  { snapshot, flavour, fragments }: Circumstances,
  { operations, warnings }: Leftovers = { operations: [], warnings: [] },
): Proposal | NotInjected {
  const more = flavour.leftovers(view, request, snapshot);
  const cleaned = more === undefined ? view : viewPod(applyToValue(view.pod, more.operations) as JsonObject);
  const proposed = flavour.inject(cleaned, request, snapshot, why, fragments);
  const before = more === undefined ? operations : [...operations, ...more.operations];
  const said = [...warnings, ...(more?.warnings ?? []), ...(proposed.warnings ?? [])];
  if (isNotInjected(proposed)) return { ...proposed, warnings: said };
  return { ...proposed, operations: [...before, ...proposed.operations], warnings: said };
}

/** Undoes the recorded injection of a pod that was copied without its init containers, and injects it anew. */
function proposeRenewal(
  view: PodView,
  request: InjectionRequest,
  why: Reasons,
  circumstances: Circumstances,
): Proposal | NotInjected {
  const { operations, pod, problems, leftovers } = undo(view.pod) ?? { operations: [], problems: [], leftovers: [] };
  if (problems.length > 0) {
    const sentence = `would restore what no injection has taken: ${problems.slice(0, 8).join('; ')}`;
    return { outcome: 'deny', reasons: [damagedStatus(sentence)] };
  }
  if (pod === undefined) {
    return { outcome: 'deny', reasons: [damagedStatus(`does not tell all: ${leftovers.slice(0, 8).join('; ')}`)] };
  }
  const undone = viewPod(pod);
  if (shapeProblems(undone).length > 0) {
    return { outcome: 'deny', reasons: [damagedStatus('cannot be undone')] };
  }
  const warning = 'the pod was copied without its init containers; it is injected anew';
  return proposeAnew(undone, request, why, circumstances, { operations, warnings: [warning] });
}

function propose(view: PodView, request: InjectionRequest, circumstances: Circumstances): Proposal | NotInjected {
  const { snapshot, flavour } = circumstances;
  const policy = decidePolicy(view, request.namespace, snapshot.settings, flavour);
  if (policy.outcome !== 'inject') return { outcome: policy.outcome, reasons: policy.reasons };
  const wrong = atLeastOne(shapeProblems(view));
  if (wrong !== undefined) return { outcome: 'deny', reasons: wrong };
  const status = member(view.annotations, statusAnnotation);
  const record = status === undefined ? undefined : parseStatus(status);
  if (record === undefined) return proposeAnew(view, request, policy.reasons, circumstances);
  if (lacksInitContainers(view, record)) return proposeRenewal(view, request, policy.reasons, circumstances);
  const refused = refusalOf(view, record, snapshot);
  if (refused !== undefined) return refused;
  const proposed = flavour.reinvoke(view, record, request, snapshot);
  if (isNotInjected(proposed)) return proposed;
  // What is wrong with the pod as it came is no fault of the patch.
  const misfits = violationsIn(view.pod, record, flavour.allowed(snapshot.settings));
  if (misfits.length === 0) return proposed;
  return { outcome: 'deny', reasons: [damagedStatus(`does not fit the pod: ${misfits.slice(0, 8).join('; ')}`)] };
}

/** Decides about pods with one snapshot, and remembers results that save work for similar pods. */
export interface Injector {
  readonly snapshot: Snapshot;
  /** The flavour that the mode of the settings selects. */
  readonly flavour: Flavour;
  /** Returns the decision about one pod. The caller's object is not changed. */
  decide(request: InjectionRequest): Decision;
  /**
   * Returns the same decision, but CONSUMES the pod: verification applies the patch in place, so after an injection the
   * object may contain the result.
   */
  decideInPlace(request: InjectionRequest): Decision;
}

function decideAnew(view: PodView, request: InjectionRequest, circumstances: Circumstances): Decision {
  const { snapshot, flavour, fragments } = circumstances;
  const proposed = propose(view, request, circumstances);
  if (isNotInjected(proposed)) return withoutPatch(proposed, view, snapshot);
  const { operations, texts = noTexts, record, reasons, added, capture, proxy } = proposed;
  const { labels } = namespaceOf(request, snapshot);
  // Of the pod as it came: verification changes it.
  const warnings = [...proposed.warnings, ...podSecurityWarnings(request.pod, { operations }, labels)];
  const decision: Decision = {
    outcome: 'inject',
    reasons,
    warnings: [...warnings.map((text) => shownWarning(text)), ...warningsOf(reasons, view)],
    operations,
    // Written before verification, which makes the values of the operations part of the pod.
    patch: writePatchText(operations, texts),
    added,
    capture,
    settingsHash: snapshot.hash,
  };
  const violations = applyAndVerify(request.pod, operations, record, flavour.allowed(snapshot.settings));
  if (violations.length === 0) {
    if (proxy !== undefined) fragments.keep(proxy);
    return decision;
  }
  const outcome = snapshot.settings.injection.onInvalidPatch === 'deny' ? 'deny' : 'skip';
  const message = `the patch failed its own verification, please report it: ${violations.join('; ')}`;
  return withoutPatch({ outcome, reasons: [reason('InvalidPatch', message)] }, view, snapshot);
}

/**
 * Returns an injector for the snapshot: policy, plan, patch, verification. No I/O and no clock: the same request and
 * snapshot give the same decision.
 *
 * @param fragments may be passed on from the injector of one snapshot to that of the next
 */
export function createInjector(snapshot: Snapshot, fragments: RememberedFragments = rememberFragments()): Injector {
  const flavour = flavours[snapshot.settings.mode];
  const circumstances = { snapshot, flavour, fragments };
  const decisions = rememberDecisions();
  const decideInPlace = (request: InjectionRequest): Decision => {
    const view = viewPod(request.pod);
    const recalled = decisions.recall(view, request);
    if ('known' in recalled) return recalled.known;
    const decision = decideAnew(view, request, circumstances);
    return decision.outcome === 'inject' ? recalled.remember(decision) : decision;
  };
  return {
    snapshot,
    flavour,
    decideInPlace,
    decide: (request) => decideInPlace({ ...request, pod: structuredClone(request.pod) }),
  };
}

/** Returns one decision, with an injector of its own. For many pods, keep an injector. */
export function decide(request: InjectionRequest, snapshot: Snapshot): Decision {
  return createInjector(snapshot).decide(request);
}
