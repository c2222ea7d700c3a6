import type { Decision, ReasonCode } from '../../../index.ts';
import { denialSentences, withCode } from '../../../injection/policy/reason.ts';
import { applyToValue } from '../../../json/apply.ts';
import { isObject, type JsonObject } from '../../../json/json.ts';
import { cautionOf } from '../../../manifests/workloads.ts';
import { findPreviousInjection, type Decide, type PreviousInjection } from '../../manifests/previous-injection.ts';
import type { RewriteDecision } from '../../manifests/rewriting.ts';
import type { Workload } from '../../manifests/workload.ts';
import type { InjectOptions } from './options.ts';

const words = ['injected', 'refreshed', 'uninjected', 'injected before', 'outdated', 'skipped'] as const;

type Word = (typeof words)[number];
type Changing = 'injected' | 'refreshed' | 'uninjected';

type Wanted = Pick<InjectOptions, 'refresh' | 'check'>;

/** What is done, or would be if it were not for `--check`. */
function changing(word: Changing, { check = false }: Wanted): string {
  return check ? `to be ${word}` : word;
}

/** What `inject` can do with a workload, in the order of the summary. */
export function summaryWords(options: Wanted): readonly string[] {
  const [injected, refreshed, uninjected, ...others] = words;
  return [...[injected, refreshed, uninjected].map((word) => changing(word, options)), ...others];
}

/** Sentences for the author of a manifest, who knows which program speaks. */
function warningsOf({ warnings }: Pick<Decision, 'warnings'>): string[] {
  return warnings.map((text) => text.replace(/^sidecar-injector: /, ''));
}

function kept(decision: Decision | string, outdated: string | undefined): RewriteDecision {
  if (typeof decision === 'string') {
    const did: Word = outdated === undefined ? 'skipped' : 'outdated';
    return { outcome: 'keep', did, because: 'not asked for', reason: `skipped: ${decision}`, warnings: [], outdated };
  }
  const { reasons } = decision;
  const codes = reasons.map(({ code }) => code);
  const isThere = codes.includes('AlreadyInjected');
  const did: Word = outdated !== undefined ? 'outdated' : isThere ? 'injected before' : 'skipped';
  return {
    outcome: 'keep',
    did,
    ...(did === 'skipped' ? { because: codes.join('+') } : {}),
    reason: `skipped: ${reasons.map(withCode).join('; ')}`,
    warnings: outdated === undefined ? warningsOf(decision) : otherWarnings(decision),
    outdated,
  };
}

/** The warnings without the one that the pod is outdated, which is told in more detail. */
function otherWarnings(decision: Decision): string[] {
  const code: ReasonCode = 'OtherSettings';
  return warningsOf(decision).filter((text) => !text.endsWith(`(${code})`));
}

function cautions(workload: Workload): string[] {
  const caution = cautionOf(workload);
  return caution === undefined ? [] : [caution];
}

/** Takes the earlier injection back and injects anew, unless that would change nothing. */
function refresh(workload: Workload, previous: PreviousInjection, options: Wanted): RewriteDecision {
  if (previous.state === 'unknown') return { outcome: 'deny', problems: previous.problems };
  const { decision, undo, outdated } = previous;
  if (typeof decision !== 'string' && decision.outcome === 'deny') {
    return { outcome: 'deny', problems: denialSentences(decision.reasons) };
  }
  if (outdated === undefined) {
    const warnings = typeof decision === 'string' ? [] : warningsOf(decision);
    return { outcome: 'keep', did: 'injected before', reason: 'is as it would be injected now', warnings };
  }
  if (typeof decision === 'string' || decision.outcome === 'skip') {
    return { outcome: 'change', steps: [undo], did: changing('uninjected', options), warnings: [outdated], notes: [] };
  }
  const warnings = [...warningsOf(decision), ...cautions(workload)];
  return {
    outcome: 'change',
    steps: [undo, decision.operations],
    did: changing('refreshed', options),
    warnings,
    notes: [outdated],
  };
}

function outdatedOf(pod: JsonObject, decide: Decide): string | undefined {
  const previous = findPreviousInjection(pod, decide);
  return previous?.state === 'known' ? previous.outdated : undefined;
}

/** Decides what `inject` does with a workload. `decide` is the decision about its pod in any state. */
export function decideRewrite(workload: Workload, decide: Decide, options: Wanted): RewriteDecision {
  const { value: pod } = workload.pod;
  const previous = options.refresh === true ? findPreviousInjection(pod, decide) : undefined;
  if (previous !== undefined) return refresh(workload, previous, options);
  const decision = decide(pod);
  if (typeof decision === 'string' || decision.outcome === 'skip') return kept(decision, outdatedOf(pod, decide));
  if (decision.outcome === 'deny') return { outcome: 'deny', problems: denialSentences(decision.reasons) };
  const isAnew = decision.added !== undefined;
  const after = isAnew ? undefined : applyToValue(pod, decision.operations);
  return {
    outcome: 'change',
    steps: [decision.operations],
    did: changing('injected', options),
    warnings: [...warningsOf(decision), ...(isAnew ? cautions(workload) : [])],
    notes: [],
    outdated: isObject(after) ? outdatedOf(after, decide) : undefined,
  };
}
