import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { run } from '../../test/harness/tools/command.ts';
import { tierOf } from './tier.ts';

/**
 * What the tests said: `red` when one failed, `green` when all passed, `stuck` when they did not end in time, `broken` when
 * no test ran, so that nothing is known.
 */
export type Colour = 'red' | 'green' | 'stuck' | 'broken';

/** The part of Jest's report that tells them apart. */
const jestCounts = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  /** Files that broke before any of their tests could run. */
  numRuntimeErrorTestSuites: z.number(),
});

/** An edit may take away what ends a wait. */
const limitMs = 5 * 60_000;

/** What a report says. A file that cannot be loaded has told nothing about a protection. */
export function colourOf(report: z.infer<typeof jestCounts> | undefined): Colour {
  if (report === undefined || report.numRuntimeErrorTestSuites > 0) return 'broken';
  if (report.numFailedTests > 0) return 'red';
  return report.numPassedTests > 0 ? 'green' : 'broken';
}

/** Runs test files of one tier in a checkout; `only` is a pattern of tests' names. */
export async function runTests(folder: string, files: readonly string[], only?: string): Promise<Colour> {
  const [first = ''] = files;
  const output = path.join(folder, 'mutation-report.json');
  const named = only === undefined ? [] : ['--testNamePattern', only];
  const patience = AbortSignal.timeout(limitMs);
  const words = ['--selectProjects', tierOf(first), '--json', '--outputFile', output, '--forceExit', ...named];
  await run(['jest', ...words, '--runTestsByPath', ...files], {
    cwd: folder,
    output: 'ignore',
    signal: patience,
    env: { NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' },
  });
  const report = await readFile(output, 'utf8').then(
    (text) => jestCounts.parse(JSON.parse(text)),
    () => undefined,
  );
  await rm(output, { force: true });
  return report === undefined && patience.aborted ? 'stuck' : colourOf(report);
}
