import { kinds, type Kind } from '../../../src/mesh/resources/kinds.ts';
import { spreadOf, type Spread } from '../statistics.ts';

/** How much. */
export interface MeshEffort {
  readonly services: number;
  readonly proxies: number;
  /** Changes of each sort in a round. */
  readonly changes: number;
  /** How often both run; the one that was first comes second in the next round. */
  readonly rounds: number;
  /** Until the memory is read again. */
  readonly settleMs: number;
}

/** What one thing has cost. */
export interface Cost {
  /** Milliseconds until the last proxy has it and has said so. */
  readonly lastMs: number;
  /** Processor time of the control plane, milliseconds. */
  readonly cpuMs: number;
  /** Bytes of responses, for each proxy. */
  readonly bytes: number;
}

/** The same thing several times. */
export type CostSpread = Readonly<Record<keyof Cost, Spread>>;

/** What is changed while all proxies are connected. */
export const changeNames = ['endpoints', 'routes', 'added', 'removed', 'roots'] as const;
export type ChangeName = (typeof changeNames)[number];

type MemoryMoment = 'ready' | 'synced' | 'settled';

interface Measured<Of> {
  /** Bytes of the first sync, for each proxy. */
  readonly bytesByKind: Readonly<Record<Kind, Of>>;
  /** Resident memory, bytes. */
  readonly memory: Readonly<Record<MemoryMoment, Of>>;
  /** Processor time of all simulated proxies during the first sync, milliseconds. */
  readonly clientCpuMs: Of;
}

/** What one control plane came to from its start to its end. */
export interface MeshRun extends Measured<number> {
  readonly sync: Cost;
  /** Each sort as often as it was tried; `roots` is empty where roots do not come on the stream that is measured. */
  readonly changes: Readonly<Record<ChangeName, readonly Cost[]>>;
}

/** What several runs of one control plane came to. */
export interface MeshFigures extends Measured<Spread> {
  readonly sync: CostSpread;
  readonly changes: Readonly<Partial<Record<ChangeName, CostSpread>>>;
}

function spreadCosts(costs: readonly Cost[]): CostSpread {
  const of = (key: keyof Cost): Spread => spreadOf(costs.map((cost) => cost[key]));
  return { lastMs: of('lastMs'), cpuMs: of('cpuMs'), bytes: of('bytes') };
}

function forEachKey<Key extends string, Value>(keys: readonly Key[], value: (key: Key) => Value): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<Key, Value>;
}

/** Puts runs together; there must be one at least. */
export function figuresOf(runs: readonly MeshRun[]): MeshFigures {
  const all = forEachKey(changeNames, (name) => runs.flatMap(({ changes }) => changes[name]));
  const tried = changeNames.filter((name) => all[name].length > 0);
  return {
    sync: spreadCosts(runs.map(({ sync }) => sync)),
    changes: forEachKey(tried, (name) => spreadCosts(all[name])),
    bytesByKind: forEachKey(kinds, (kind) => spreadOf(runs.map(({ bytesByKind }) => bytesByKind[kind]))),
    memory: forEachKey(['ready', 'synced', 'settled'], (when) => spreadOf(runs.map(({ memory }) => memory[when]))),
    clientCpuMs: spreadOf(runs.map(({ clientCpuMs }) => clientCpuMs)),
  };
}
