import { expect, test } from '@jest/globals';
import { isMemoryFull } from '../../../src/runtime/memory.ts';

test.each([
  ['90 % of both', 90, 90, false],
  ['more of the heap', 91, 10, true],
  ['more of the whole, with bytes outside of the heap', 10, 91, true],
])('%s (%i, %i): full is %s', (_, heap, whole, isFull) => {
  expect(isMemoryFull({ heap: { used: heap, most: 100 }, whole: { used: whole, most: 100 } })).toBe(isFull);
});

test('of a process that has just started is not full', () => {
  expect(isMemoryFull()).toBe(false);
});
