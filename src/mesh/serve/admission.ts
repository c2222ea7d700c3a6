/** How many streams a replica takes, and how fast. */
export interface StreamLimits {
  /** Open streams of all proxies. */
  readonly most: number;
  /** Open streams of one pod; a newer one ends the oldest. */
  readonly mostOfPod: number;
  readonly perSecond: number;
  /** Streams that may come at once, and the longest time that one waits for its turn. */
  readonly burst: number;
  readonly patienceMs: number;
  /** Time in which a stream must have sent its first message. */
  readonly firstMessageMs: number;
  /** Age at which a stream is ended, so that proxies spread over replicas again. Each stream's own differs by up to a fifth. */
  readonly ageMs: number;
}

/**
 * A full synchronization takes about 10 ms of processor time (1,000 Services), so that even at the highest pace there is time for
 * changes. All proxies of the largest mesh are back within 10 s, and one replica can serve them all while the other is away.
 */
export const defaultStreamLimits: StreamLimits = {
  most: 2_000,
  mostOfPod: 2,
  perSecond: 100,
  burst: 50,
  patienceMs: 2_000,
  firstMessageMs: 10_000,
  ageMs: 30 * 60_000,
};

/** Gives out turns at an even pace. */
export interface Turns {
  /** Returns how long the caller must wait for its turn; undefined, without a turn, if that is too long. */
  take(nowMs: number): number | undefined;
}

/** Creates turns: `burst` of them at once, and then `perSecond`; nobody waits longer than `patienceMs`. */
export function createTurns({
  perSecond,
  burst,
  patienceMs,
}: Pick<StreamLimits, 'perSecond' | 'burst' | 'patienceMs'>): Turns {
  const intervalMs = 1_000 / perSecond;
  // When the bucket would be full again (generic cell rate algorithm).
  let fullMs = Number.NEGATIVE_INFINITY;
  return {
    take(nowMs) {
      const from = Math.max(fullMs, nowMs);
      const waitMs = Math.max(0, from - nowMs - (burst - 1) * intervalMs);
      if (waitMs > patienceMs) return undefined;
      fullMs = from + intervalMs;
      return waitMs;
    },
  };
}

/** Returns the age at which a stream ends, four fifths to six fifths of the limit. */
export function ageOf({ ageMs }: Pick<StreamLimits, 'ageMs'>, random: number): number {
  return ageMs * (0.8 + 0.4 * random);
}
