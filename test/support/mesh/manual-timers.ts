import type { Timers } from '../../../src/mesh/serve/timers.ts';
import { until } from '../waiting.ts';

/** Time that passes only when a test says so. */
export interface ManualTimers extends Timers {
  /** Lets time pass. What becomes due is called in its order. */
  pass(milliseconds: number): void;
  /** Waits until so many (by default one) have begun to wait for this long. */
  untilWaiting(milliseconds: number, count?: number): Promise<void>;
}

interface Waiting {
  readonly milliseconds: number;
  readonly dueMs: number;
  readonly action: () => void;
}

/** Creates timers at time 0. */
export function createManualTimers(): ManualTimers {
  let nowMs = 0;
  const waiting = new Set<Waiting>();
  return {
    nowMs: () => nowMs,
    after(milliseconds, action) {
      const one = { milliseconds, dueMs: nowMs + milliseconds, action };
      waiting.add(one);
      return () => waiting.delete(one);
    },
    pass(milliseconds) {
      const endMs = nowMs + milliseconds;
      for (;;) {
        const [next] = [...waiting].filter(({ dueMs }) => dueMs <= endMs).toSorted((one, two) => one.dueMs - two.dueMs);
        if (next === undefined) break;
        waiting.delete(next);
        nowMs = next.dueMs;
        next.action();
      }
      nowMs = endMs;
    },
    async untilWaiting(milliseconds, count = 1) {
      await until(
        `${count} that wait for ${milliseconds} ms`,
        () => [...waiting].filter((one) => one.milliseconds === milliseconds).length >= count || undefined,
      );
    },
  };
}
