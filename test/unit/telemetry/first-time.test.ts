import { expect, test } from '@jest/globals';
import { createFirstTime } from '../../../src/telemetry/first-time.ts';

test('says once that a text is new, until too many others have come', () => {
  const isNew = createFirstTime(2);
  expect(['a', 'a', 'b', 'a', 'c', 'a', 'b'].map(isNew)).toEqual([true, false, true, false, true, false, true]);
});
