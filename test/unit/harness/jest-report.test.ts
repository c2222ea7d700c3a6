import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { countTests, countTries, filesToTryAgain, type JestRun } from '../../harness/tiers/jest-report.ts';

type Status = 'passed' | 'failed' | 'pending' | 'todo';

/** A file's part of Jest's report, from the titles of its tests. */
function testFile(name: string, tests: Readonly<Record<string, Status>>, isBroken = false) {
  const hasFailed = isBroken || Object.values(tests).includes('failed');
  return {
    name: path.join(root, 'test', name),
    status: hasFailed ? 'failed' : 'passed',
    assertionResults: Object.entries(tests).map(([title, status]) => ({ status, ancestorTitles: ['streams'], title })),
  };
}

const ended = (...testResults: ReturnType<typeof testFile>[]): JestRun => ({
  report: { testResults },
  exitCode: testResults.some(({ status }) => status === 'failed') ? 1 : 0,
});

const clean = testFile('a.test.ts', { one: 'passed', two: 'passed' });
const red = testFile('b.test.ts', { one: 'passed', two: 'failed', three: 'failed' });
const broken = testFile('c.test.ts', {}, true);
const [two, three, whole] = [
  'test/b.test.ts › streams › two',
  'test/b.test.ts › streams › three',
  'test/c.test.ts (broke outside its tests)',
];

describe('countTests', () => {
  test.each<[string, JestRun, object]>([
    ['all pass', ended(clean), { passed: 2, failed: 0 }],
    ['some fail', ended(clean, red), { passed: 3, failed: 2, failures: [two, three] }],
    ['a file cannot be run', ended(clean, broken), { passed: 2, failed: 1, failures: [whole] }],
    [
      'a file breaks after its tests',
      ended(testFile('c.test.ts', { one: 'passed' }, true)),
      { passed: 1, failed: 1, failures: [whole] },
    ],
    [
      'skipped tests are told',
      ended(clean, testFile('b.test.ts', { one: 'pending', two: 'todo' })),
      { passed: 2, failed: 0, note: '2 skipped' },
    ],
    ['no tests', ended(), { passed: 0, failed: 1, note: 'has no tests' }],
    ['a bad end', { ...ended(clean), exitCode: 1 }, { passed: 2, failed: 1, note: 'Jest ended with exit code 1' }],
    [
      'no report',
      { report: undefined, exitCode: 128 },
      { passed: 0, failed: 1, note: 'Jest wrote no report (exit code 128)' },
    ],
    [
      'stopped without a report',
      { report: undefined, exitCode: 128, stopped: 'took over 20 min' },
      { passed: 0, failed: 1, note: 'took over 20 min' },
    ],
    [
      'stopped after a report',
      { ...ended(clean), stopped: 'did not end after its last test' },
      { passed: 2, failed: 1, failures: [], note: 'did not end after its last test' },
    ],
  ])('%s', (_what, run, outcome) => {
    expect(countTests(run)).toEqual(outcome);
  });
});

describe('filesToTryAgain', () => {
  test.each<[string, JestRun, readonly string[]]>([
    ['those with failed tests and those that broke', ended(clean, red, broken), [red.name, broken.name]],
    ['none when all pass', ended(clean), []],
    ['none without a report', { report: undefined, exitCode: 1 }, []],
    ['none when Jest was stopped', { ...ended(red), stopped: 'took over 20 min' }, []],
  ])('%s', (_what, run, files) => {
    expect(filesToTryAgain(run)).toEqual(files);
  });
});

describe('countTries', () => {
  const first = ended(clean, red, broken);
  const [redPasses, brokenPasses] = [
    testFile('b.test.ts', { one: 'passed', two: 'passed', three: 'passed' }),
    testFile('c.test.ts', { one: 'passed' }),
  ];
  const second = (failure: string) => `passed at the second try: ${failure}`;

  test.each<[string, JestRun, object]>([
    [
      'what passes now counts as passed, and is named',
      ended(redPasses, brokenPasses),
      { passed: 6, failed: 0, note: [two, three, whole].map(second).join('; ') },
    ],
    [
      'what fails again has failed',
      ended(testFile('b.test.ts', { one: 'passed', two: 'passed', three: 'failed' }), broken),
      { passed: 4, failed: 2, failures: [three, whole], note: second(two) },
    ],
    [
      'what fails only now has failed too',
      ended(testFile('b.test.ts', { one: 'failed', two: 'passed', three: 'passed' }), brokenPasses),
      {
        passed: 5,
        failed: 1,
        failures: ['test/b.test.ts › streams › one'],
        note: [two, three, whole].map(second).join('; '),
      },
    ],
    [
      'a file that was not run again has still failed',
      ended(redPasses),
      { passed: 5, failed: 1, failures: [whole], note: [two, three].map(second).join('; ') },
    ],
    [
      'without a report the first try counts',
      { report: undefined, exitCode: 128 },
      { passed: 3, failed: 3, failures: [two, three, whole] },
    ],
    [
      'a second try that must be stopped has failed',
      { ...ended(redPasses, brokenPasses), stopped: 'did not end after its last test' },
      {
        passed: 6,
        failed: 1,
        failures: [],
        note: ['did not end after its last test', ...[two, three, whole].map(second)].join('; '),
      },
    ],
  ])('%s', (_what, run, outcome) => {
    expect(countTries(first, run)).toEqual(outcome);
  });
});
