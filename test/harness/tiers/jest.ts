import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { root } from '../../../scripts/checkout.ts';
import { run } from '../tools/command.ts';
import type { Environment, Outcome } from './tier.ts';

/** The part of Jest's report that counts. */
export const jestReport = z.object({
  numPassedTests: z.number(),
  numFailedTests: z.number(),
  numPendingTests: z.number(),
  numTodoTests: z.number(),
  /** Files that broke before any of their tests could run. */
  numRuntimeErrorTestSuites: z.number(),
});

export type JestReport = z.infer<typeof jestReport>;

/** A tier that takes longer is stopped. */
const limitMs = 20 * 60_000;
/** How long Jest may live on after its report; a test that left something open keeps it alive for ever. */
const graceMs = 20_000;

/** Runs one of Jest's projects; its progress goes to this process's output. */
export async function runJest(tier: string, environment: Environment): Promise<Outcome> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-report-'));
  const file = path.join(folder, 'report.json');
  const hanging = new AbortController();
  let lateness: NodeJS.Timeout | undefined;
  const watch = setInterval(() => {
    if (!existsSync(file)) return;
    clearInterval(watch);
    lateness = setTimeout(() => hanging.abort(), graceMs);
  }, 1000);
  const signal = AbortSignal.any([hanging.signal, AbortSignal.timeout(limitMs)]);
  try {
    const jest = ['jest', '--selectProjects', tier, '--passWithNoTests', '--json', '--outputFile', file];
    const [program = '', ...words] = [...(environment.within ?? []), ...jest, ...environment.arguments];
    const code = await run([program, ...words], {
      cwd: root,
      signal,
      env: { ...environment.env, NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' },
    });
    const report = await readFile(file, 'utf8').then(
      (text) => jestReport.parse(JSON.parse(text)),
      () => undefined,
    );
    const outcome = countTests(report, code);
    if (!signal.aborted) return outcome;
    const note = hanging.signal.aborted ? 'did not end after its last test' : `took over ${limitMs / 60_000} min`;
    return { ...outcome, failed: Math.max(outcome.failed, 1), note };
  } finally {
    clearInterval(watch);
    clearTimeout(lateness);
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * What a report and Jest's exit code say together. A file that could not be run counts as a failed test, and so does
 * a run without any test, without a report, or with a bad exit code that no test explains.
 */
export function countTests(report: JestReport | undefined, code: number): Outcome {
  if (report === undefined) return { passed: 0, failed: 1, note: `Jest wrote no report (exit code ${code})` };
  const passed = report.numPassedTests;
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  const left = report.numPendingTests + report.numTodoTests;
  if (passed + failed + left === 0) return { passed, failed: 1, note: 'has no tests' };
  if (failed === 0 && code !== 0) return { passed, failed: 1, note: `Jest ended with exit code ${code}` };
  return { passed, failed, ...(left > 0 && { note: `${left} skipped` }) };
}
