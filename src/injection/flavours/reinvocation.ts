import { quote } from '../../grammar/problem.ts';
import type { PodView } from '../../pod/view.ts';
import type { Refusal } from '../patch/proposal.ts';
import type { Record as StatusRecord } from '../patch/record.ts';
import { applicationContainers, type PodContainer } from '../../pod/containers.ts';
import { type ProbePlan } from '../plan/probes.ts';
import { reason, type Reason } from '../policy/reason.ts';

/** Nothing has to be done. */
export function unchanged(more: readonly Reason[] = []): Refusal {
  return { outcome: 'skip', reasons: [reason('AlreadyInjected', 'everything is there already'), ...more] };
}

/** Containers of the pod that the record does not name. */
export function addedSince(view: PodView, record: StatusRecord): PodContainer[] {
  const known = { initContainers: new Set(record.initContainers), containers: new Set(record.containers) };
  return applicationContainers(view).filter(({ list, name }) => !known[list].has(name));
}

/** What was done for containers that came after the injection, in words. */
export function wordsFor(edits: readonly { readonly at: PodContainer }[], probes?: ProbePlan): string {
  const touched = new Set(edits.map(({ at }) => at.name));
  if (touched.size > 0) return `what ${[...touched].map(quote).join(', ')} needs was added`;
  return probes !== undefined && probes.exclude.length > 0
    ? 'their probe ports were excluded from capture'
    : 'the proxy was told of their ports without HTTP';
}
