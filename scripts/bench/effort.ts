/** How long and how often to measure. */
export interface Effort {
  readonly name: 'full' | 'quick';
  /** Reviews that each server gets before anything is measured, until its code is compiled. */
  readonly warmUp: number;
  /** Throughput rounds a server and kind of pod, besides one that does not count. */
  readonly rounds: number;
  /** Share of a workload's reviews that a round sends. */
  readonly roundShare: number;
  /** Of the measurement at a constant rate, a server and kind of pod. */
  readonly latencySeconds: number;
  /** Repetitions of every in-process measurement. */
  readonly batches: number;
  readonly starts: number;
  /** Reviews before the memory is read. */
  readonly memoryReviews: number;
}

export const full: Effort = {
  name: 'full',
  warmUp: 15_000,
  rounds: 7,
  roundShare: 1,
  latencySeconds: 5,
  batches: 15,
  starts: 7,
  memoryReviews: 10_000,
};

/** A smoke test: every part runs, the figures are rough. */
export const quick: Effort = {
  name: 'quick',
  warmUp: 1_500,
  rounds: 3,
  roundShare: 0.2,
  latencySeconds: 1,
  batches: 5,
  starts: 2,
  memoryReviews: 2_000,
};
