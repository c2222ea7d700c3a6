import { quote } from '../../grammar/problem.ts';
import type { PodView } from '../../pod/view.ts';
import { statusAnnotation } from '../../pod/conventions.ts';
import { objectMember, type Json, type JsonObject } from '../../json/json.ts';
import { escapeToken, type Operation } from '../../json/operation.ts';
import { annotationsTooLarge } from '../patch/annotation-size.ts';
import type { NotInjected } from '../patch/proposal.ts';
import { originalActions, recordedEdit } from '../patch/patch.ts';
import { writeStatus, type InjectionStatus } from '../patch/status.ts';
import type { ApplicationEdit } from '../plan/application.ts';
import { recordedSleeps, type SleepEdit } from '../plan/prestop-sleep.ts';
import { applicationContainers, type PodContainer } from '../../pod/containers.ts';
import type { ProbeEdit, ProbePlan } from '../plan/probes.ts';
import { reason, type Reason } from '../policy/reason.ts';

/** Returns the decision that nothing needs to be done. */
export function unchanged(more: readonly Reason[] = []): NotInjected {
  return { outcome: 'skip', reasons: [reason('AlreadyInjected', 'everything is there already'), ...more] };
}

/** Returns the application containers: those that the status annotation does not list as injected. */
export function applicationOf(view: PodView, record: InjectionStatus): PodContainer[] {
  const known = { initContainers: new Set(record.initContainers), containers: new Set(record.containers) };
  return applicationContainers(view).filter(({ list, name }) => !known[list].has(name));
}

/** Describes what was done for containers that were added after the injection. */
export function wordsFor(edits: readonly { readonly at: PodContainer }[], probes?: ProbePlan): string {
  const touched = new Set(edits.map(({ at }) => at.name));
  if (touched.size > 0) return `what ${[...touched].map(quote).join(', ')} needs was added`;
  return probes !== undefined && probes.exclude.length > 0
    ? 'their probe ports were excluded from capture'
    : 'the proxy was told of the ports that they declare';
}

function mergeByContainer(recorded: JsonObject, added: JsonObject): JsonObject {
  const merged = new Map<string, Json>(
    Object.entries(recorded).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
  for (const [name, fields] of Object.entries(added)) {
    merged.set(name, { ...objectMember(recorded, name), ...(fields as JsonObject) });
  }
  return Object.fromEntries(merged);
}

/** Returns the status with the new edits added, and the operation that writes it. */
export function recordEdits(
  view: PodView,
  record: InjectionStatus,
  added: {
    readonly probes: readonly ProbeEdit[];
    readonly sleeps: readonly SleepEdit[];
    readonly lists: readonly ApplicationEdit[];
    /** Annotations that the pod did not have. */
    readonly annotations: readonly string[];
  },
): { readonly record: InjectionStatus; readonly operation: Operation } | NotInjected {
  const undo = {
    ...record.undo,
    probes: mergeByContainer(record.undo.probes, originalActions(added.probes)),
    sleeps: mergeByContainer(record.undo.sleeps, recordedSleeps(added.sleeps)),
    edits: [...record.undo.edits, ...added.lists.map(recordedEdit)],
    annotations: [...record.undo.annotations, ...added.annotations],
  };
  const next = { ...record, undo };
  const value = writeStatus(next);
  const tooLarge = annotationsTooLarge(view, { [statusAnnotation]: value });
  if (tooLarge !== undefined) return tooLarge;
  const path = `/metadata/annotations/${escapeToken(statusAnnotation)}`;
  return { record: next, operation: { op: 'replace', path, value } };
}
