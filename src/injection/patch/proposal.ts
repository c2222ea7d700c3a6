import type { CaptureIntent } from '../../capture/intent.ts';
import type { ProxyFragment } from '../../sidecars/standalone/proxy.ts';
import type { Added } from '../decision.ts';
import type { Operation } from '../../json/operation.ts';
import type { KnownTexts } from './patch-text.ts';
import type { Reason } from '../policy/reason.ts';
import type { InjectionStatus } from './status.ts';

/** Reasons of an outcome; there is always one. */
export type Reasons = readonly [Reason, ...Reason[]];

export function atLeastOne(reasons: readonly Reason[]): Reasons | undefined {
  const [first, ...rest] = reasons;
  return first === undefined ? undefined : [first, ...rest];
}

/** A patch that has not been verified yet, and what is said about it. */
export interface Proposal {
  readonly operations: readonly Operation[];
  /** JSON texts of values of the operations that are known already. */
  readonly texts?: KnownTexts;
  readonly record: InjectionStatus;
  readonly reasons: Reasons;
  /** What the person who creates the pod should know; becomes warnings. */
  readonly remarks: readonly string[];
  readonly added: Added | undefined;
  readonly capture: CaptureIntent | undefined;
  /** The proxy as it was prepared for the pod, to be remembered once the patch is verified. */
  readonly proxy?: ProxyFragment | undefined;
}

/** Nothing is patched, for these reasons. */
export interface NotInjected {
  readonly outcome: 'skip' | 'reject';
  readonly reasons: Reasons;
  /** What else the person should know, as with a proposal. */
  readonly remarks?: readonly string[];
}

export function isNotInjected(proposed: Proposal | NotInjected): proposed is NotInjected {
  return 'outcome' in proposed;
}
