import type { CaptureIntent } from '../../capture/intent.ts';
import type { ProxyFragment } from '../../sidecars/standalone/proxy.ts';
import type { Added } from '../decision.ts';
import type { Operation } from '../../json/operation.ts';
import type { KnownTexts } from './patch-text.ts';
import type { Reasons } from '../policy/reason.ts';
import type { InjectionStatus } from './status.ts';

/** A patch that has not been verified yet, and what is reported about it. */
export interface Proposal {
  readonly operations: readonly Operation[];
  /** JSON texts of values in the operations, as far as they are known. */
  readonly texts?: KnownTexts;
  readonly record: InjectionStatus;
  readonly reasons: Reasons;
  /** What the author of the pod should know; becomes warnings. */
  readonly warnings: readonly string[];
  readonly added: Added | undefined;
  readonly capture: CaptureIntent | undefined;
  /** The proxy built for the pod, remembered once the patch is verified. */
  readonly proxy?: ProxyFragment | undefined;
}

/** The pod is not patched, for these reasons. */
export interface NotInjected {
  readonly outcome: 'skip' | 'deny';
  readonly reasons: Reasons;
  /** What else the author of the pod should know, as in a proposal. */
  readonly warnings?: readonly string[];
}

export function isNotInjected(proposed: Proposal | NotInjected): proposed is NotInjected {
  return 'outcome' in proposed;
}
