import type { Decision } from '../injection/decision.ts';
import type { PatchText } from '../injection/patch/patch-text.ts';
import { denialSentences, withCode } from '../injection/policy/reason.ts';
import { reviewVersion } from './review.ts';

/**
 * Characters of all warnings. The API server truncates warnings at a total of 4 KiB; a few complete ones are more
 * useful.
 */
const warningBudget = 3072;

function withinBudget(warnings: readonly string[]): string[] {
  const kept: string[] = [];
  let left = warningBudget;
  for (const warning of warnings) {
    left -= warning.length;
    if (left < 0) return [...kept, `sidecar-injector: ${warnings.length - kept.length} more warnings were left out`];
    kept.push(warning);
  }
  return kept;
}

/** Characters of a denial: enough for all problems of a pod that a person wrote, and a limit for generated ones. */
const denialBudget = 8192;

function denial(decision: Decision): string {
  const kept: string[] = [];
  let left = denialBudget;
  for (const sentence of denialSentences(decision.reasons)) {
    left -= sentence.length;
    if (left < 0) break;
    kept.push(sentence);
  }
  // There is always at least one sentence, truncated if necessary.
  const [{ code, message }] = decision.reasons;
  const room = denialBudget - withCode({ code, message: '…' }).length;
  if (kept.length === 0)
    kept.push(withCode({ code, message: `${message.slice(0, room).replace(/[\uD800-\uDBFF]$/, '')}…` }));
  const more = decision.reasons.length - kept.length;
  return [...kept, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** The body of an answer: `before`, then the patch in base64, then `after`. */
export interface Answer {
  readonly before: string;
  /** Empty if the answer has no patch. */
  readonly patch: PatchText;
  readonly after: string;
}

/**
 * Writes the AdmissionReview that answers a request, as JSON text (k8s.io/api admission/v1 `AdmissionResponse`).
 * Version, kind and uid are always present: the API server refuses an answer without them.
 */
export function writeAnswer(uid: string, decision: Decision): Answer {
  const isAllowed = decision.outcome !== 'deny';
  let before = `{"apiVersion":"${reviewVersion}","kind":"AdmissionReview","response":{"uid":${JSON.stringify(uid)},"allowed":${isAllowed}`;
  if (!isAllowed) {
    const status = { status: 'Failure', message: denial(decision), reason: 'Invalid', code: 400 };
    before += `,"status":${JSON.stringify(status)}`;
  }
  let after = '';
  if (decision.patch.length > 0) {
    before += ',"patchType":"JSONPatch","patch":"';
    after = '"';
  }
  if (decision.warnings.length > 0) after += `,"warnings":${JSON.stringify(withinBudget(decision.warnings))}`;
  const audit = {
    decision: decision.outcome,
    reasons: [...new Set(decision.reasons.map((reason) => reason.code))].join(','),
    'settings-hash': decision.settingsHash,
  };
  return { before, patch: decision.patch, after: `${after},"auditAnnotations":${JSON.stringify(audit)}}}` };
}
