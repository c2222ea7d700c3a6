import { statusAnnotation } from '../../pod/conventions.ts';
import { objectMember, type Json, type JsonObject } from '../../json/json.ts';
import type { PodView } from '../../pod/view.ts';
import { annotationsTooLarge } from './annotation-size.ts';
import { escapeToken, type Operation } from '../../json/operation.ts';
import type { Refusal } from './proposal.ts';
import { writeRecord, type Record as StatusRecord, type Undo } from './record.ts';

function mergeByContainer(recorded: JsonObject, added: JsonObject): JsonObject {
  const merged = new Map<string, Json>(
    Object.entries(recorded).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
  );
  for (const [name, fields] of Object.entries(added)) {
    merged.set(name, { ...objectMember(recorded, name), ...(fields as JsonObject) });
  }
  return Object.fromEntries(merged);
}

/** The record with what was edited since, and the operation that writes it. */
export function recordEdits(
  view: PodView,
  record: StatusRecord,
  added: Partial<Pick<Undo, 'probes' | 'sleeps' | 'edits'>>,
): { readonly record: StatusRecord; readonly operation: Operation } | Refusal {
  const undo = {
    ...record.undo,
    probes: mergeByContainer(record.undo.probes, added.probes ?? {}),
    sleeps: mergeByContainer(record.undo.sleeps, added.sleeps ?? {}),
    edits: [...record.undo.edits, ...(added.edits ?? [])],
  };
  const next = { ...record, undo };
  const value = writeRecord(next);
  const tooLarge = annotationsTooLarge(view, { [statusAnnotation]: value });
  if (tooLarge !== undefined) return tooLarge;
  const path = `/metadata/annotations/${escapeToken(statusAnnotation)}`;
  return { record: next, operation: { op: 'replace', path, value } };
}
