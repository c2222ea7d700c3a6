import type { Destination } from '../../../../mesh/explain/destination.ts';
import type { Explanation } from '../../../../mesh/explain/explanation.ts';
import type { WrittenCall } from './call.ts';
import type { CallingPod } from './client.ts';

/** What is explained, and by what. */
export interface ExplainedCall {
  readonly client: CallingPod;
  readonly call: WrittenCall;
  readonly destination: Destination;
  /** Undefined if the client has no proxy of the mesh: nothing decides then but Kubernetes. */
  readonly explanation: Explanation | undefined;
  readonly notes: readonly string[];
}
