import type { Result } from './tier.ts';

/** The closing table and its sum. */
export interface Report {
  /** Lines to print: the table, what failed by name, and at last exactly `N passed, M failed`. */
  readonly lines: readonly string[];
  readonly failed: number;
}

/** Writes the closing table. With `strict`, a tier that could not be run counts as one failed test. */
export function writeReport(results: readonly Result[], strict: boolean): Report {
  const rows = results.map((result) =>
    result.needs === undefined
      ? [result.tier, String(result.passed), String(result.failed), `${result.seconds} s`, result.note ?? '']
      : [result.tier, '-', strict ? '1' : '-', '', `not run: needs ${result.needs}`],
  );
  const table = [['tier', 'passed', 'failed', 'time', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const sum = (count: (result: Result) => number) => results.reduce((total, result) => total + count(result), 0);
  const passed = sum((result) => result.passed);
  const failed = sum((result) => result.failed + (strict && result.needs !== undefined ? 1 : 0));
  const lines = table.map((row) => {
    const [tier = '', ...cells] = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    return [tier, ...cells].join('  ').trimEnd();
  });
  const failures = results.flatMap((result) => failuresOf(result, strict).map((what) => `${result.tier}: ${what}`));
  const heading = failures.length === 0 ? [] : ['failed:'];
  return { lines: ['', ...lines, '', ...heading, ...failures, `${passed} passed, ${failed} failed`], failed };
}

function failuresOf({ failed, failures, note, needs }: Result, strict: boolean): readonly string[] {
  if (needs !== undefined) return strict ? [`not run: needs ${needs}`] : [];
  if (failed === 0) return [];
  return failures === undefined || failures.length === 0 ? [note ?? 'see above'] : failures;
}
