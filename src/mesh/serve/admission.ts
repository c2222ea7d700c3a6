import type { Timers } from './timers.ts';

/** How many streams a replica takes, and how fast. */
export interface StreamLimits {
  /** Streams of all proxies, open or waiting for their turn. */
  readonly most: number;
  /** Open streams of one pod; a newer one ends the oldest. */
  readonly mostOfPod: number;
  /** Streams that one pod may open at an even pace, and at once. */
  readonly perSecondOfPod: number;
  readonly burstOfPod: number;
  /** Streams that come at an even pace, those that may come at once, and the longest time that one waits for its turn. */
  readonly perSecond: number;
  readonly burst: number;
  readonly patienceMs: number;
  /** Proxies that get their first configuration at the same time, and the longest time that one of them counts. */
  readonly starting: number;
  readonly startingMs: number;
  /** Time in which a stream must have sent its first message. */
  readonly firstMessageMs: number;
  /** Age at which a stream is ended, so that proxies spread over replicas again. Each stream's own differs by up to a fifth. */
  readonly ageMs: number;
}

/**
 * Measured with 1,000 Services: a first configuration is 0.4 MB, compressed for all proxies at once, and takes some 30 ms of processor
 * time; each stream holds 0.5 MB.
 */
export const defaultStreamLimits: StreamLimits = {
  most: 1_000,
  mostOfPod: 2,
  perSecondOfPod: 1,
  burstOfPod: 10,
  perSecond: 50,
  burst: 50,
  patienceMs: 5_000,
  starting: 16,
  startingMs: 10_000,
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

/** A limited number of places. */
export interface Places {
  /** Waits for a place for a party and returns a function that gives it back; undefined if none was free in time. */
  take(party: string): Promise<(() => void) | undefined>;
}

/**
 * Creates places. Who waits gets one in the order of coming, unless that takes longer than `patienceMs`. The last quarter is for
 * parties that have none, so that nobody's proxies keep out all others by never being ready.
 */
export function createPlaces(count: number, patienceMs: number, after: Timers['after']): Places {
  const reserved = Math.floor(count / 4);
  const taken: string[] = [];
  const waiting = new Map<(give: (() => void) | undefined) => void, string>();

  function isFree(party: string): boolean {
    return count - taken.length > (taken.includes(party) ? reserved : 0);
  }

  function occupy(party: string): () => void {
    taken.push(party);
    let isTaken = true;
    return () => {
      if (!isTaken) return;
      isTaken = false;
      taken.splice(taken.indexOf(party), 1);
      const [next] = [...waiting].filter(([, other]) => isFree(other));
      if (next !== undefined) next[0](occupy(next[1]));
    };
  }

  return {
    take: (party) =>
      new Promise((resolve) => {
        if (isFree(party)) {
          resolve(occupy(party));
          return;
        }
        const settle = (give: (() => void) | undefined): void => {
          stopWaiting();
          waiting.delete(settle);
          resolve(give);
        };
        const stopWaiting = after(patienceMs, () => settle(undefined));
        waiting.set(settle, party);
      }),
  };
}

/** Pods whose turns are remembered. */
const rememberedPods = 4_096;

/** Creates turns for each pod: whoever opens streams without end uses up its own. Returns whether a pod has one. */
export function createPodTurns({ perSecondOfPod, burstOfPod }: Pick<StreamLimits, 'perSecondOfPod' | 'burstOfPod'>) {
  const turns = new Map<string, Turns>();
  return (pod: string, nowMs: number): boolean => {
    const own = turns.get(pod) ?? createTurns({ perSecond: perSecondOfPod, burst: burstOfPod, patienceMs: 0 });
    turns.delete(pod);
    turns.set(pod, own);
    const [oldest] = turns.keys();
    if (turns.size > rememberedPods && oldest !== undefined) turns.delete(oldest);
    return own.take(nowMs) !== undefined;
  };
}
