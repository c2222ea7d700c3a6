import { dayMs, hourMs, minuteMs } from './durations.ts';

/** Lifetimes and waits of certificate rotation; `defaultPolicy` has the defaults. */
export interface RotationPolicy {
  readonly caLifetimeMs: number;
  /** Fraction of the CA's lifetime after which the next CA is prepared. */
  readonly caRotateAt: number;
  readonly leafLifetimeMs: number;
  /** Fraction of a leaf's lifetime after which it is renewed at the latest. */
  readonly leafRenewAt: number;
  /** Fraction of the lifetime before `leafRenewAt` over which renewals of replicas are spread. */
  readonly leafRenewSpread: number;
  /** How long both CAs are published before the new one signs leaves. */
  readonly overlapMs: number;
  /** How long the old CA stays published afterwards. */
  readonly retireMs: number;
}

export const defaultPolicy: RotationPolicy = {
  caLifetimeMs: 365 * dayMs,
  caRotateAt: 1 / 2,
  leafLifetimeMs: 7 * dayMs,
  leafRenewAt: 2 / 3,
  leafRenewSpread: 1 / 10,
  // 60 polls of 10 s, by which every replica and every API server has long read the new bundle.
  overlapMs: 10 * minuteMs,
  // The lifetime of a leaf that an isolated replica may have issued from the old CA at the last moment, plus a margin.
  retireMs: 7 * dayMs + hourMs,
};

/**
 * Phase of a rotation. `stable`: one CA exists. `overlap`: the next CA is published, but the current one still signs.
 * `retiring`: the next CA has become the current one, and the previous one is still published.
 */
export type RotationPhase = 'stable' | 'overlap' | 'retiring';

/** Validity period of a certificate, in milliseconds since the Unix epoch. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** The state of the CA Secret that decides the next step. */
export interface RotationState {
  readonly phase: RotationPhase;
  /** When the phase began, by the clock of the replica that changed it. */
  readonly phaseSinceMs: number;
  readonly generation: number;
  readonly current: Validity;
  /** Present only in phase `overlap`. */
  readonly next?: Validity;
}

export type RotationAction = 'generate' | 'publish-overlap' | 'switch' | 'drop-old' | 'none';

/** The next step of the rotation, and its reason. */
export interface RotationStep {
  readonly action: RotationAction;
  /** One sentence for people. */
  readonly reason: string;
}

/**
 * Decides the next step of the rotation. Any replica may take it: each step is one compare-and-swap of the Secret, so
 * one of two replicas wins and the other reads the result.
 *
 * | Secret | when | step |
 * |---|---|---|
 * | empty | | generate |
 * | stable | younger than `caRotateAt` | none |
 * | stable | older | publish-overlap |
 * | overlap | younger than `overlapMs`, or the next CA is missing from a live bundle | none |
 * | overlap | older, and live | switch |
 * | retiring | younger than `retireMs` | none |
 * | retiring | older | drop-old |
 * | any | the current CA has expired | switch if the next CA is usable, else generate |
 *
 * @param state undefined if the Secret holds no CA
 * @param facts.nextIsLive whether every webhook entry already trusts the next CA
 */
export function nextStep(
  state: RotationState | undefined,
  facts: { readonly nowMs: number; readonly nextIsLive: boolean },
  policy: RotationPolicy = defaultPolicy,
): RotationStep {
  if (state === undefined) return step('generate', 'the Secret holds no CA');
  const { nowMs } = facts;
  const { current, next } = state;
  const nextUsable = next !== undefined && next.notAfterMs > nowMs;

  // Overlap is of no use any more, because no leaf of the old CA verifies.
  if (current.notAfterMs <= nowMs) {
    const expired = `the CA expired on ${iso(current.notAfterMs)}`;
    return nextUsable ? step('switch', `${expired} and the next one is ready`) : step('generate', expired);
  }

  const phaseAgeMs = nowMs - state.phaseSinceMs;
  if (state.phase === 'overlap') {
    if (!nextUsable) return step('publish-overlap', 'the prepared CA expired before it was used');
    if (phaseAgeMs < policy.overlapMs) {
      return step('none', `both CAs are published until ${iso(state.phaseSinceMs + policy.overlapMs)} at least`);
    }
    if (!facts.nextIsLive) return step('none', 'the webhook configuration does not trust the next CA yet');
    return step('switch', `both CAs have been trusted since ${iso(state.phaseSinceMs)}`);
  }
  if (state.phase === 'retiring') {
    if (phaseAgeMs < policy.retireMs) {
      return step('none', `the old CA stays published until ${iso(state.phaseSinceMs + policy.retireMs)}`);
    }
    return step('drop-old', 'no leaf of the old CA can be alive any more');
  }
  const dueMs = current.notBeforeMs + policy.caRotateAt * (current.notAfterMs - current.notBeforeMs);
  if (nowMs < dueMs) return step('none', `the CA is due for rotation on ${iso(dueMs)}`);
  return step('publish-overlap', `the CA has been due for rotation since ${iso(dueMs)}`);
}

/**
 * Decides whether to issue a new leaf. `jitter` (0 up to 1) is drawn once per leaf and makes the renewal earlier by up
 * to `leafRenewSpread` of the lifetime.
 */
export function needsLeaf(
  leaf: Validity | undefined,
  facts: { readonly nowMs: number; readonly jitter: number; readonly signedByCurrent: boolean },
  policy: RotationPolicy = defaultPolicy,
): { readonly due: boolean; readonly reason: string } {
  if (leaf === undefined) return { due: true, reason: 'there is no leaf yet' };
  if (!facts.signedByCurrent) return { due: true, reason: 'the CA has changed' };
  if (facts.nowMs < leaf.notBeforeMs) return { due: true, reason: 'the clock went back to before the leaf was valid' };
  const life = leaf.notAfterMs - leaf.notBeforeMs;
  const dueMs = leaf.notBeforeMs + (policy.leafRenewAt - facts.jitter * policy.leafRenewSpread) * life;
  return facts.nowMs < dueMs
    ? { due: false, reason: `the leaf is due for renewal on ${iso(dueMs)}` }
    : { due: true, reason: `the leaf has been due for renewal since ${iso(dueMs)}` };
}

function step(action: RotationAction, reason: string): RotationStep {
  return { action, reason };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
