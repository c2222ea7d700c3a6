import { describe, expect, test } from '@jest/globals';
import { writeReport } from '../../harness/tiers/report.ts';

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
    expect(
      report.lines.filter((line) => line.includes('not run: needs root') && !line.startsWith('dataplane:')),
    ).toHaveLength(1);
  });

  test('names what failed right before the sum, whatever the reason', () => {
    const report = writeReport(
      [
        { tier: 'check', passed: 4, failed: 1, seconds: 30, failures: ['types'] },
        { tier: 'unit', passed: 3, failed: 2, seconds: 3, failures: ['test/a.test.ts › one', 'test/a.test.ts › two'] },
        { tier: 'http', passed: 9, failed: 0, seconds: 9, note: 'passed at the second try: test/b.test.ts › one' },
        { tier: 'mesh', passed: 0, failed: 1, seconds: 9, note: 'Jest wrote no report (exit code 128)' },
        { tier: 'cluster', passed: 7, failed: 1, seconds: 9, failures: [], note: 'took over 20 min' },
        { tier: 'istio', passed: 0, failed: 0, seconds: 0, needs: 'Go' },
      ],
      true,
    );
    expect(report.lines.slice(-9)).toEqual([
      '',
      'failed:',
      'check: types',
      'unit: test/a.test.ts › one',
      'unit: test/a.test.ts › two',
      'mesh: Jest wrote no report (exit code 128)',
      'cluster: took over 20 min',
      'istio: not run: needs Go',
      '23 passed, 6 failed',
    ]);
  });

  test('names nothing when nothing failed', () => {
    const { lines } = writeReport([{ tier: 'unit', passed: 3, failed: 0, seconds: 3 }], false);
    expect(lines.slice(-2)).toEqual(['', '3 passed, 0 failed']);
    expect(lines).not.toContain('failed:');
  });
});
