import { expect, test } from '@jest/globals';
import { readArguments } from '../../../scripts/bench/arguments.ts';
import { full, quick } from '../../../scripts/bench/effort.ts';

const names = ['webhook', 'overload', 'dataplane'] as const;

test.each([
  [[], { effort: full, parts: names }],
  [['--quick'], { effort: quick, parts: names }],
  [['--only=overload'], { effort: full, parts: ['overload'] }],
  [['--only=dataplane', '--quick', '--only=webhook'], { effort: quick, parts: ['webhook', 'dataplane'] }],
  [['--only=overlord'], '--only=overlord: allowed are webhook, overload, dataplane'],
  [['--only='], '--only=: allowed are webhook, overload, dataplane'],
  [['--only', 'overload'], '--only: allowed are --quick and --only=PART, PART one of webhook, overload, dataplane'],
  [['--quik'], '--quik: allowed are --quick and --only=PART, PART one of webhook, overload, dataplane'],
])('%j', (words, expected) => {
  expect(readArguments(words, names)).toEqual(expected);
});
