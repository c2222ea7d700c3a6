import { quote } from '../../grammar/problem.ts';
import { stringMember, type JsonObject } from '../../json/json.ts';
import type { PodView } from '../../pod/view.ts';
import type { Refusal } from '../patch/proposal.ts';
import type { ContainerList, Record as StatusRecord } from '../patch/record.ts';
import { applicationContainers, type ApplicationContainer, type ProbePlan } from '../plan/probes.ts';
import { reason, type Reason } from '../policy/reason.ts';

/** A container with its JSON Pointer. */
export interface Place {
  readonly pointer: string;
  readonly container: JsonObject;
}

/** The first container of that name, init containers first. */
export function find(view: PodView, name: string): Place | undefined {
  for (const list of ['initContainers', 'containers'] as const satisfies readonly ContainerList[]) {
    const index = view[list].findIndex((container) => stringMember(container, 'name') === name);
    const container = view[list][index];
    if (container !== undefined) return { pointer: `/spec/${list}/${index}`, container };
  }
  return undefined;
}

/** Nothing has to be done. */
export function unchanged(more: readonly Reason[] = []): Refusal {
  return { outcome: 'skip', reasons: [reason('AlreadyInjected', 'everything is there already'), ...more] };
}

/** Containers of the pod that the record does not name. */
export function addedSince(view: PodView, record: StatusRecord): ApplicationContainer[] {
  const known = { initContainers: new Set(record.initContainers), containers: new Set(record.containers) };
  return applicationContainers(view).filter(
    ({ list, container }) => !known[list].has(stringMember(container, 'name') ?? ''),
  );
}

/** What was done for containers that came after the injection, in words. */
export function wordsFor(edits: readonly { readonly at: ApplicationContainer }[], probes?: ProbePlan): string {
  const touched = new Set(edits.map(({ at }) => stringMember(at.container, 'name') ?? ''));
  if (touched.size > 0) return `what ${[...touched].map(quote).join(', ')} needs was added`;
  return probes !== undefined && probes.exclude.length > 0
    ? 'their probe ports were excluded from capture'
    : 'the proxy was told of their ports without HTTP';
}
