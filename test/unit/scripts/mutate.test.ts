import { describe, expect, test } from '@jest/globals';
import { colourOf } from '../../../scripts/mutate/run.ts';
import { applyEdit } from '../../../scripts/mutate/scratch.ts';

describe('an edit', () => {
  test.each([
    ['is made where its text stands', 'a < b; c', 'a > b; c'],
    ['does not fit without its text', 'a >= b; c', undefined],
    ['does not fit where its text stands twice', 'a < b; a < b', undefined],
  ])('%s', (_what, content, after) => {
    expect(applyEdit(content, { text: 'a < b', replacement: 'a > b' })).toBe(after);
  });

  test('takes its replacement as it is', () => {
    expect(applyEdit('xay', { text: 'a', replacement: "$&$'" })).toBe("x$&$'y");
  });
});

describe('what the tests say', () => {
  const counts = {
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    numRuntimeErrorTestSuites: 0,
  };
  test.each([
    ['all passed', counts, 'green'],
    ['one failed', { ...counts, numFailedTests: 1 }, 'red'],
    ['a file could not be loaded', { ...counts, numFailedTests: 1, numRuntimeErrorTestSuites: 1 }, 'broken'],
    ['no test has the name', { ...counts, numPassedTests: 0, numPendingTests: 3 }, 'broken'],
    ['there is no report', undefined, 'broken'],
  ])('%s', (_what, report, colour) => {
    expect(colourOf(report)).toBe(colour);
  });
});
