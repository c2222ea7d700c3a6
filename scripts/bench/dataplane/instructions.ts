import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Variant } from './sidecar.ts';
import { openStage } from './stage.ts';
import { withOneWorker } from './variants.ts';

/** What a request costs in a measure that does not depend on what else the machine does. */
export interface InstructionFigures {
  readonly name: string;
  readonly perRequest: number;
}

const few = 100;
const many = 1_100;
// Valgrind is some thirty times slower than the processor.
const perSecond = 200;

/** Instructions of the program itself, not of the kernel, from its start to its end. */
async function instructionsOf(binary: string, variant: Variant, requests: number, folder: string): Promise<number> {
  const output = join(folder, 'callgrind');
  const counter = ['valgrind', '--tool=callgrind', `--callgrind-out-file=${output}`, `--vgdb=no`];
  const runner = ['env', `TMPDIR=${folder}`, ...counter];
  const stage = await openStage('count', 'server', binary, { ...withOneWorker(variant), runner });
  try {
    await stage.client.askAtRate({ url: stage.url, connections: 1, perSecond, count: requests });
  } finally {
    await stage.close();
  }
  const total = /^totals: (\d+)$/m.exec(readFileSync(output, 'utf8'))?.[1];
  if (total === undefined) throw new Error(`valgrind has not counted: ${variant.name}`);
  return Number(total);
}

/** Counts for each variant what a run with more requests takes beyond one with fewer. */
export async function countInstructions(binary: string, variants: readonly Variant[]): Promise<InstructionFigures[]> {
  // The proxy's root is read-only; this is a file system of its own.
  const folder = mkdtempSync('/dev/shm/sidecar-injector-');
  chmodSync(folder, 0o777);
  try {
    const figures: InstructionFigures[] = [];
    for (const variant of variants) {
      const least = await instructionsOf(binary, variant, few, folder);
      const most = await instructionsOf(binary, variant, many, folder);
      figures.push({ name: variant.name, perRequest: (most - least) / (many - few) });
    }
    return figures;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
