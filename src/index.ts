/**
 * The injection engine as a library: pure functions over plain JSON, no I/O.
 *
 *   const result = createSnapshot();
 *   if ('problems' in result) throw new Error(…);
 *   const decision = decide({ pod, namespace: 'default' }, result.snapshot);
 */
export { createInjector, decide, type Injector } from './injection/injector.ts';
export type { Added, Decision, InjectionRequest } from './injection/decision.ts';
export type { Operation } from './json/operation.ts';
export { joinPatch, type PatchText } from './injection/patch/patch-text.ts';
export { reasons, type Reason, type ReasonCode } from './injection/policy/reason.ts';
export {
  matchConditions,
  registrationEntries,
  registrationEntriesFor,
  selectEntry,
  webhookConfiguration,
  type EntryMatch,
  type FailurePolicy,
  type RegistrationEntry,
} from './injection/policy/registration.ts';
export { createSnapshot, type SnapshotInput, type SnapshotResult } from './injection/build-snapshot.ts';
export { type Snapshot } from './injection/snapshot.ts';
export { undo, type Undoing } from './injection/patch/undo.ts';
export { explainCapture } from './capture/words.ts';
export type { CaptureIntent } from './capture/intent.ts';
export { annotationTable } from './settings/annotation-table.ts';
export type { Json, JsonObject } from './json/json.ts';
export type { Problem } from './grammar/problem.ts';
export { version } from './settings/version.ts';
