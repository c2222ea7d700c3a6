import { quantile, spreadOf, type Spread } from '../statistics.ts';
import { processorTime } from './process-cost.ts';
import { openMeshStage } from './mesh-stage.ts';
import { openStage, type Passage, type Sides } from './stage.ts';
import { asInjected, asTcp, plain, withoutMetrics } from './variants.ts';
import type { Variant } from './sidecar.ts';

/** How long and how often. */
export interface PathEffort {
  readonly perSecond: number;
  readonly connections: number;
  readonly seconds: number;
  readonly rounds: number;
}

const quantiles = [0.5, 0.9, 0.99] as const;

/** One way from client to server, and what it cost. */
export interface PathFigures {
  readonly name: string;
  /** Milliseconds at each of `quantiles`: of the rounds' medians the middle and the extremes. */
  readonly latency: readonly Spread[];
  /** The same, divided by that of the direct way in the same round. */
  readonly ratio: readonly Spread[];
  /** What the way adds to the direct one, milliseconds at the median. */
  readonly added: Spread;
  /** Processor time of all proxies on the way, microseconds a request; undefined without one. */
  readonly cpuMicros: Spread | undefined;
}

/** A way from client to server: who has a sidecar, and how it is run; without that, by the control plane of the mesh. */
export type Way =
  readonly [name: string, sides: Sides, variant: Variant] | readonly [name: string, sides: Exclude<Sides, 'none'>];

/** The first one is what the others are compared with. */
export const ways: readonly Way[] = [
  ['direct', 'none', asInjected],
  ['one proxy', 'server', asInjected],
  ['one proxy, without metrics', 'server', withoutMetrics],
  [`one proxy, ${plain.name}`, 'server', plain],
  ['one proxy, as TCP', 'server', asTcp],
  ['two proxies', 'both', asInjected],
  ['two proxies, without metrics', 'both', withoutMetrics],
  [`two proxies, ${plain.name}`, 'both', plain],
  ['one proxy, of the mesh, called in plain text', 'server'],
  ['two proxies, of the mesh, mutual TLS', 'both'],
];

export interface Round {
  readonly latency: readonly number[];
  readonly cpuMicros: number;
}

function totalTime(stage: Passage): bigint {
  return stage.sidecars.reduce((sum, { pid }) => sum + processorTime(pid), 0n);
}

/** Sends at a constant rate for some seconds. */
export async function sendRound(stage: Passage, effort: Omit<PathEffort, 'rounds'>): Promise<Round> {
  const { perSecond, connections, seconds } = effort;
  const count = perSecond * seconds;
  const before = totalTime(stage);
  const durations = await stage.client.askAtRate({ url: stage.url, connections, perSecond, count });
  const used = totalTime(stage) - before;
  const sorted = durations.toSorted((left, right) => left - right);
  return { latency: quantiles.map((share) => quantile(sorted, share)), cpuMicros: Number(used) / 1_000 / count };
}

function figuresOf(name: string, rounds: readonly Round[], direct: readonly Round[]): PathFigures {
  const at = (index: number, pick: (own: number, base: number) => number): Spread =>
    spreadOf(rounds.map((round, turn) => pick(round.latency[index] ?? NaN, direct[turn]?.latency[index] ?? NaN)));
  return {
    name,
    latency: quantiles.map((_, index) => at(index, (own) => own)),
    ratio: quantiles.map((_, index) => at(index, (own, base) => own / base)),
    added: at(0, (own, base) => own - base),
    cpuMicros: rounds === direct ? undefined : spreadOf(rounds.map(({ cpuMicros }) => cpuMicros)),
  };
}

function openWay(label: string, binary: string, way: Way): Promise<Passage> {
  return way.length === 2 ? openMeshStage(label, way[1]) : openStage(label, way[1], binary, way[2]);
}

/** Measures every way in turn, round after round, so that a drift of the machine meets all alike. */
export async function measurePaths(binary: string, ways: readonly Way[], effort: PathEffort): Promise<PathFigures[]> {
  const open: { readonly name: string; readonly stage: Passage; readonly rounds: Round[] }[] = [];
  try {
    for (const [index, way] of ways.entries()) {
      open.push({ name: way[0], stage: await openWay(`bench-${index}`, binary, way), rounds: [] });
    }
    for (const { stage } of open) await sendRound(stage, { ...effort, seconds: 1 });
    for (let round = 0; round < effort.rounds; round++) {
      for (const { stage, rounds } of open) rounds.push(await sendRound(stage, effort));
    }
    const [direct] = open;
    return open.map(({ name, rounds }) => figuresOf(name, rounds, direct?.rounds ?? []));
  } finally {
    for (const { stage } of open) await stage.close();
  }
}
