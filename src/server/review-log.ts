import type { Reviewed } from '../admission/handler.ts';

/** Longer than any name in Kubernetes (253). Callers can send any text. */
const longestField = 256;

function cut(text: string): string {
  return text.length > longestField ? `${text.slice(0, longestField - 1)}…` : text;
}

/**
 * Fields of the log line for one review. Of the pod they contain only its name and its owner's name; of the reasons
 * only their codes.
 */
export function describeReview(
  reviewed: Reviewed & { readonly status: 200 },
  durationMs: number,
  patchBytes: number,
): object {
  const { decision, request, workload } = reviewed;
  return {
    uid: cut(request.uid),
    namespace: cut(request.namespace),
    pod: cut(reviewed.pod),
    workload: cut(`${workload.kind}/${workload.name}`),
    operation: cut(request.operation),
    dryRun: request.dryRun,
    outcome: decision.outcome,
    reasons: [...new Set(decision.reasons.map((reason) => reason.code))],
    durationMs: Math.round(durationMs * 1_000) / 1_000,
    patchBytes,
    settingsHash: decision.settingsHash,
  };
}
