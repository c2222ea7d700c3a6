import { dayMs, hourMs, minuteMs } from './durations.ts';

/** Life times and waits; all have defaults in `defaultPolicy`, tests and impatient clusters use shorter ones. */
export interface RotationPolicy {
  readonly caLifetimeMs: number;
  /** Part of the CA's life after which the next CA is prepared. */
  readonly caRotateAt: number;
  readonly leafLifetimeMs: number;
  /** Part of a leaf's life after which it is renewed, at the latest. */
  readonly leafRenewAt: number;
  /** Renewals of replicas that started together are spread over this part of the life before `leafRenewAt`. */
  readonly leafRenewSpread: number;
  /** How long both CAs are published before leaves come from the new one. */
  readonly overlapMs: number;
  /** How long the old CA stays published after that. */
  readonly retireMs: number;
}

export const defaultPolicy: RotationPolicy = {
  caLifetimeMs: 365 * dayMs,
  caRotateAt: 1 / 2,
  leafLifetimeMs: 7 * dayMs,
  leafRenewAt: 2 / 3,
  leafRenewSpread: 1 / 10,
  // Sixty polls of 10 s: every replica and every API server has long seen the new bundle.
  overlapMs: 10 * minuteMs,
  // The life of a leaf that a cut-off replica may have minted from the old CA at the last moment, and a margin.
  retireMs: 7 * dayMs + hourMs,
};

/**
 * Where a rotation stands. `stable`: one CA signs. `overlap`: the next CA exists and is published, the current one still
 * signs. `retiring`: the next has become the current one, the one before is still published.
 */
export type RotationPhase = 'stable' | 'overlap' | 'retiring';

/** Life of a certificate; milliseconds since 1970. */
export interface Validity {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What the state machine knows of the Secret. */
export interface RotationState {
  readonly phase: RotationPhase;
  /** When the phase began, by the clock of the replica that began it. */
  readonly phaseSinceMs: number;
  readonly generation: number;
  readonly current: Validity;
  /** Present exactly in phase `overlap`. */
  readonly next?: Validity;
}

export type RotationAction = 'generate' | 'publish-overlap' | 'switch' | 'drop-old' | 'none';

/** What to do next with the CA Secret, and why. */
export interface RotationStep {
  readonly action: RotationAction;
  /** One sentence for people. */
  readonly reason: string;
}

/**
 * Decides the next step of the CA's life. Any replica may take it; each step is one compare-and-swap of the Secret, so
 * that of two replicas one wins and the other reads the result.
 *
 * | Secret | when | step |
 * |---|---|---|
 * | empty | | generate |
 * | stable | younger than `caRotateAt` | none |
 * | stable | older | publish-overlap |
 * | overlap | younger than `overlapMs`, or the next CA is not in every live bundle yet | none |
 * | overlap | older, and live | switch |
 * | retiring | younger than `retireMs` | none |
 * | retiring | older | drop-old |
 * | any | the current CA has expired | switch when there is a usable next one, else generate |
 *
 * @param state undefined when the Secret holds no CA
 * @param nextIsLive whether the live webhook configuration trusts the next CA already
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

  // No overlap can help any more: nothing that the old CA signed verifies.
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
 * Whether to mint a new leaf. `jitter` (0 up to 1) is drawn once per leaf and moves the moment forward by up to
 * `leafRenewSpread` of the life.
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
