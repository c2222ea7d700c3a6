import { setTimeout as pause } from 'node:timers/promises';
import { spreadOf, type Spread } from '../statistics.ts';
import { sendRound, type PathEffort } from './paths.ts';
import { processMemory, wakeUps } from './process-cost.ts';
import type { Variant } from './sidecar.ts';
import { openStage } from './stage.ts';

/** What one proxy costs that is run in one way. */
export interface VariantFigures {
  readonly name: string;
  readonly readyMs: Spread;
  /** Bytes, of a proxy that has done nothing yet. */
  readonly idlePrivate: Spread;
  readonly idleResident: Spread;
  /** Private bytes some seconds after many requests at once. */
  readonly laterPrivate: Spread;
  readonly cpuMicros: Spread;
  /** A second, of a proxy that nobody asks anything. */
  readonly idleWakeUps: Spread;
}

const atOnce = 500;
// Long enough for the allocator to give back what it means to give back.
const restMs = 4_000;

interface Run {
  readonly readyMs: number;
  readonly idlePrivate: number;
  readonly idleResident: number;
  readonly laterPrivate: number;
  readonly cpuMicros: number;
  readonly idleWakeUps: number;
}

async function runOnce(binary: string, variant: Variant, effort: PathEffort): Promise<Run> {
  const stage = await openStage('bench', 'server', binary, variant);
  try {
    const [sidecar] = stage.sidecars;
    if (sidecar === undefined) throw new Error('there is no sidecar');
    await pause(restMs);
    const before = wakeUps(sidecar.pid);
    await pause(restMs);
    const idleWakeUps = (wakeUps(sidecar.pid) - before) / (restMs / 1_000);
    const idle = processMemory(sidecar.pid);
    const { cpuMicros } = await sendRound(stage, effort);
    const together = await stage.client.askTogether({ url: stage.gather(atOnce), count: atOnce });
    if (together.failures.length > 0) throw new Error(`requests failed: ${together.failures[0]}`);
    await pause(restMs);
    const later = processMemory(sidecar.pid);
    return {
      readyMs: sidecar.readyMs,
      idlePrivate: idle.private,
      idleResident: idle.resident,
      laterPrivate: later.private,
      cpuMicros,
      idleWakeUps,
    };
  } finally {
    await stage.close();
  }
}

/** Runs every variant in turn, `effort.rounds` times. */
export async function measureVariants(
  binary: string,
  variants: readonly Variant[],
  effort: PathEffort,
): Promise<VariantFigures[]> {
  const runs = new Map<string, Run[]>(variants.map(({ name }) => [name, []]));
  for (let round = 0; round < effort.rounds; round++) {
    for (const variant of variants) runs.get(variant.name)?.push(await runOnce(binary, variant, effort));
  }
  return [...runs].map(([name, all]) => {
    const spread = (key: keyof Run): Spread => spreadOf(all.map((run) => run[key]));
    return {
      name,
      readyMs: spread('readyMs'),
      idlePrivate: spread('idlePrivate'),
      idleResident: spread('idleResident'),
      laterPrivate: spread('laterPrivate'),
      cpuMicros: spread('cpuMicros'),
      idleWakeUps: spread('idleWakeUps'),
    };
  });
}
