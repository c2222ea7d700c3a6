import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { root } from '../../../scripts/checkout.ts';

/** Seconds that every campaign may take; `make fuzz` gives hours. */
const seconds = Number(process.env['FUZZ_SECONDS'] ?? 1);

const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);

/** What is thrown at a part of the program, and what has to hold for it. */
export interface Campaign {
  /** Folder of the corpus, and name in the report. */
  readonly name: string;
  /** Test file, for the command that replays. */
  readonly file: string;
  /** Inputs as they are written to the corpus. */
  readonly inputs: fc.Arbitrary<Buffer>;
  /** Throws when something does not hold. */
  check(input: Buffer): void | Promise<void>;
}

function folderOf({ name }: Campaign): string {
  return path.join(root, 'test/fuzz/corpus', name);
}

function corpusOf(campaign: Campaign): readonly string[] {
  const folder = folderOf(campaign);
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

/** Writes a failing input where the next run finds it, and answers how to see it fail again. */
function keep(campaign: Campaign, input: Buffer): string {
  const name = `found-${createHash('sha256').update(input).digest('hex').slice(0, 12)}`;
  const folder = folderOf(campaign);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, name), input);
  return [
    `kept as ${path.relative(root, path.join(folder, name))}; again:`,
    `  make test-fuzz ARGS="${campaign.file} -t '${campaign.name} ${name}'"`,
    `the whole run again: FUZZ_SEED=${seed} FUZZ_SECONDS=${seconds}`,
  ].join('\n');
}

/**
 * Declares the tests of a campaign: what was found before, each input by itself, then as many new ones as there is time
 * for. A failing input is made as small as there is time for and kept in the corpus.
 */
export function campaign(plan: Campaign): void {
  describe(plan.name, () => {
    const corpus = corpusOf(plan);
    if (corpus.length > 0) {
      test.each(corpus)('%s', async (name) => {
        const input = readFileSync(path.join(folderOf(plan), name));
        await expect((async () => plan.check(input))()).resolves.toBeUndefined();
      });
    }

    test(
      `new inputs, ${seconds} s, seed ${seed}`,
      async () => {
        const details = await fc.check(
          fc.asyncProperty(plan.inputs, async (input) => plan.check(input)),
          { seed, numRuns: 1e9, interruptAfterTimeLimit: seconds * 1_000, endOnFailure: false },
        );
        const [found] = details.counterexample ?? [];
        if (found !== undefined) {
          const cause = details.errorInstance instanceof Error ? details.errorInstance.message : '';
          throw new Error(`${cause}\n${keep(plan, found)}`, { cause: details.errorInstance });
        }
        expect(details.numRuns).toBeGreaterThan(0);
      },
      (seconds + 120) * 1_000,
    );
  });
}
