import type { Finding } from './finding.ts';
import type { ObjectRef } from './object-ref.ts';

/** An object that was read: what it says, or why it is refused. */
export interface Rule<S> {
  readonly ref: ObjectRef;
  /** Undefined if a field is not understood: nothing of such an object counts. */
  readonly spec: S | undefined;
  readonly findings: readonly Finding[];
  /** Generation of `spec`, if the object is refused and an earlier one stays in force. */
  readonly keptGeneration?: number;
}
