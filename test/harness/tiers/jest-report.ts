import path from 'node:path';
import { z } from 'zod';
import { root } from '../../../scripts/checkout.ts';
import type { Outcome } from './tier.ts';

const testFile = z.object({
  /** Absolute path. */
  name: z.string(),
  status: z.string(),
  /** Without any in a file that broke before its tests, or after them. */
  assertionResults: z.array(z.object({ status: z.string(), ancestorTitles: z.array(z.string()), title: z.string() })),
});

type TestFile = z.infer<typeof testFile>;

/** The part of Jest's report that counts. */
export const jestReport = z.object({ testResults: z.array(testFile) });

export type JestReport = z.infer<typeof jestReport>;

/** How a run of Jest ended. */
export interface JestRun {
  /** Missing when Jest wrote none that can be read. */
  readonly report: JestReport | undefined;
  readonly exitCode: number;
  /** Why it was stopped, if it was. */
  readonly stopped?: string;
}

/**
 * What a report and Jest's exit code say together. A file that could not be run counts as a failed test, and so does
 * a run without any test, without a report, with a bad exit code that no test explains, or that had to be stopped.
 */
export function countTests({ report, exitCode, stopped }: JestRun): Outcome {
  if (report === undefined)
    return { passed: 0, failed: 1, note: stopped ?? `Jest wrote no report (exit code ${exitCode})` };
  const failures = report.testResults.flatMap(failuresOf);
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const left = tests.filter(({ status }) => status !== 'passed' && status !== 'failed').length;
  const failed = failures.length;
  if (stopped !== undefined) return { passed, failed: Math.max(failed, 1), failures, note: stopped };
  if (passed + failed + left === 0) return { passed, failed: 1, note: 'has no tests' };
  if (failed === 0 && exitCode !== 0) return { passed, failed: 1, note: `Jest ended with exit code ${exitCode}` };
  return { passed, failed, ...(failed > 0 && { failures }), ...(left > 0 && { note: `${left} skipped` }) };
}

/** Absolute paths of the files that are worth a second try: those with failures, of a run that came to its end. */
export function filesToTryAgain({ report, stopped }: JestRun): readonly string[] {
  if (report === undefined || stopped !== undefined) return [];
  return report.testResults.filter((file) => failuresOf(file).length > 0).map(({ name }) => name);
}

/**
 * What two tries say together: a file that was run twice counts as it ended the second time. What failed only the first time is
 * told in the note.
 */
export function countTries(first: JestRun, second: JestRun): Outcome {
  const later = new Map(second.report?.testResults.map((file) => [file.name, file]));
  const files = first.report?.testResults.map((file) => later.get(file.name) ?? file) ?? [];
  const outcome = countTests({ ...second, report: { testResults: files } });
  const still = new Set(files.flatMap(failuresOf));
  const recovered = (first.report?.testResults ?? []).flatMap(failuresOf).filter((failure) => !still.has(failure));
  const notes = [
    ...(outcome.note === undefined ? [] : [outcome.note]),
    ...recovered.map((failure) => `passed at the second try: ${failure}`),
  ];
  return { ...outcome, ...(notes.length > 0 && { note: notes.join('; ') }) };
}

/** The failed tests of a file by path and full title, or the file itself when it broke outside its tests. */
function failuresOf({ name, status, assertionResults }: TestFile): readonly string[] {
  const file = path.relative(root, name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0 && status === 'failed') return [`${file} (broke outside its tests)`];
  return failed.map(({ ancestorTitles, title }) => [file, ...ancestorTitles, title].join(' › '));
}
