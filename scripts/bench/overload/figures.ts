import { quantile, spreadOf, type Spread } from '../statistics.ts';
import type { Tally } from './attack-process.ts';
import type { Attempt } from './steady-load.ts';

/** One attack, or none, in one round. */
export interface Trial {
  readonly attempts: readonly Attempt[];
  readonly peakRssBytes: number;
  /** What the attackers met; empty without any. */
  readonly met: Tally;
}

/** One attack, or none, with the trials of all rounds. */
export interface Situation {
  readonly name: string;
  readonly trials: readonly Trial[];
}

/** How a situation compares with the reference of the same round, over the rounds. */
export interface Ratios {
  readonly p50: Spread;
  readonly p99: Spread;
  readonly worst: Spread;
  readonly memory: Spread;
}

/** What all rounds of one situation came to. */
export interface SituationFigures {
  readonly name: string;
  readonly sent: number;
  readonly decided: number;
  readonly shed: number;
  readonly failed: number;
  /** What the failed ones met, and how often. */
  readonly problems: Tally;
  /** Of the reviews that were decided; NaN when none was. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  /** The most of all rounds. */
  readonly peakRssBytes: number;
  readonly ratios: Ratios;
  readonly met: Tally;
}

interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

function latencyOf(attempts: readonly Attempt[]): Latency {
  const sorted = attempts
    .filter(({ outcome }) => outcome === 'decided')
    .map(({ durationMs }) => durationMs)
    .toSorted((left, right) => left - right);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), worst: sorted.at(-1) ?? Number.NaN };
}

function sumOf(tallies: readonly Tally[]): Tally {
  const sum = new Map<string, number>();
  for (const tally of tallies) {
    for (const [what, times] of Object.entries(tally)) sum.set(what, (sum.get(what) ?? 0) + times);
  }
  return Object.fromEntries([...sum].toSorted(([left], [right]) => left.localeCompare(right)));
}

function ratiosOf(trials: readonly Trial[], reference: readonly Trial[]): Ratios {
  const over = (figure: (trial: Trial) => number): Spread =>
    spreadOf(
      trials.map((trial, round) => {
        const beside = reference[round];
        return beside === undefined ? Number.NaN : figure(trial) / figure(beside);
      }),
    );
  return {
    p50: over(({ attempts }) => latencyOf(attempts).p50),
    p99: over(({ attempts }) => latencyOf(attempts).p99),
    worst: over(({ attempts }) => latencyOf(attempts).worst),
    memory: over(({ peakRssBytes }) => peakRssBytes),
  };
}

/** Sums up the rounds of a situation, beside those of the reference. */
export function figuresOf({ name, trials }: Situation, reference: Situation): SituationFigures {
  const attempts = trials.flatMap((trial) => trial.attempts);
  const countOf = (wanted: Attempt['outcome']): number => attempts.filter(({ outcome }) => outcome === wanted).length;
  const latency = latencyOf(attempts);
  return {
    name,
    sent: attempts.length,
    decided: countOf('decided'),
    shed: countOf('shed'),
    failed: countOf('failed'),
    problems: sumOf(attempts.filter(({ outcome }) => outcome === 'failed').map(({ problem }) => ({ [problem]: 1 }))),
    p50Ms: latency.p50,
    p99Ms: latency.p99,
    worstMs: latency.worst,
    peakRssBytes: Math.max(...trials.map(({ peakRssBytes }) => peakRssBytes)),
    ratios: ratiosOf(trials, reference.trials),
    met: sumOf(trials.map(({ met }) => met)),
  };
}
