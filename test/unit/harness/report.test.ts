import { describe, expect, test } from '@jest/globals';
import { countTests } from '../../harness/tiers/jest.ts';
import { writeReport } from '../../harness/tiers/report.ts';

const clean = {
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
};

describe('countTests', () => {
  test.each([
    ['all pass', clean, 0, { passed: 5, failed: 0 }],
    ['some fail', { ...clean, numFailedTests: 2 }, 1, { passed: 5, failed: 2 }],
    ['a file cannot be run', { ...clean, numRuntimeErrorTestSuites: 1 }, 1, { passed: 5, failed: 1 }],
    ['skipped tests are told', { ...clean, numPendingTests: 2 }, 0, { passed: 5, failed: 0, note: '2 skipped' }],
    ['no tests', { ...clean, numPassedTests: 0 }, 0, { passed: 0, failed: 1, note: 'has no tests' }],
    ['a bad end', clean, 1, { passed: 5, failed: 1, note: 'Jest ended with exit code 1' }],
    ['no report', undefined, 128, { passed: 0, failed: 1, note: 'Jest wrote no report (exit code 128)' }],
  ])('%s', (_what, report, code, outcome) => {
    expect(countTests(report, code)).toEqual(outcome);
  });
});

describe('writeReport', () => {
  const results = [
    { tier: 'unit', passed: 12, failed: 0, seconds: 3 },
    { tier: 'http', passed: 4, failed: 1, seconds: 10 },
    { tier: 'dataplane', passed: 0, failed: 0, seconds: 0, needs: 'root' },
  ];

  test.each([
    ['counts only what ran', false, '16 passed, 1 failed', 1],
    ['counts a tier that cannot run as failed where every tier must run', true, '16 passed, 2 failed', 2],
  ])('%s', (_what, strict, last, failed) => {
    const report = writeReport(results, strict);
    expect(report.lines.at(-1)).toBe(last);
    expect(report.failed).toBe(failed);
    expect(report.lines.filter((line) => line.includes('not run: needs root'))).toHaveLength(1);
  });
});
