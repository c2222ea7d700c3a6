import type { Decision } from '../injection/decision.ts';
import { reviewVersion } from './review.ts';

/** The API server cuts the total of all warnings near 4 KiB; a few whole ones are worth more than many cut ones. */
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

/** Characters of a denial: room for all problems that a person writes, a bound for those that a machine does. */
const denialBudget = 8192;

function denial(decision: Decision): string {
  const kept: string[] = [];
  let left = denialBudget;
  for (const { message } of decision.reasons) {
    left -= message.length;
    if (left < 0) break;
    kept.push(message);
  }
  // One sentence is there in any case, shortened if it must be.
  if (kept.length === 0) kept.push(`${decision.reasons[0].message.slice(0, denialBudget - 1)}…`);
  const more = decision.reasons.length - kept.length;
  return [...kept, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/**
 * The AdmissionReview that answers the request, as JSON text (k8s.io/api admission/v1 `AdmissionResponse`). Version,
 * kind and uid are always there: the API server refuses an answer without them.
 *
 * `encodeBase64` encodes the UTF-8 bytes of a text; it is passed in because the engine knows no platform.
 */
export function writeAnswer(uid: string, decision: Decision, encodeBase64: (text: string) => string): string {
  const parts = [`"uid":${JSON.stringify(uid)}`, `"allowed":${decision.outcome !== 'reject'}`];
  if (decision.outcome === 'reject') {
    parts.push(
      `"status":${JSON.stringify({ status: 'Failure', message: denial(decision), reason: 'Invalid', code: 400 })}`,
    );
  }
  if (decision.operations.length > 0) {
    parts.push(`"patchType":"JSONPatch"`, `"patch":"${encodeBase64(decision.patch)}"`);
  }
  if (decision.warnings.length > 0) parts.push(`"warnings":${JSON.stringify(withinBudget(decision.warnings))}`);
  const audit = {
    decision: decision.outcome,
    reasons: [...new Set(decision.reasons.map((reason) => reason.code))].join(','),
    'settings-hash': decision.settingsHash,
  };
  parts.push(`"auditAnnotations":${JSON.stringify(audit)}`);
  return `{"apiVersion":"${reviewVersion}","kind":"AdmissionReview","response":{${parts.join(',')}}}`;
}
