import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { isSame } from '../../../src/settings/json.ts';

/** The value with the members of its objects in sorted order, as text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : inner,
  );
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}

const someJson = fc.jsonValue({ maxDepth: 3, noUnicodeString: true });

describe('plain values', () => {
  test('are the same exactly when their canonical texts are', () => {
    fc.assert(
      fc.property(someJson, someJson, (left, right) => {
        expect(isSame(left, right)).toBe(canonical(left) === canonical(right));
        expect(isSame(left, reversed(structuredClone(left)))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['a list and an object', [], {}],
    ['an object and a list', {}, []],
    ['null and an object', null, {}],
    ['a member that is undefined and one of another name', { a: undefined }, { b: undefined }],
    ['a longer list', [1], [1, 2]],
    ['an inherited name', { toString: 1 }, {}],
    ['a number and its text', 1, '1'],
  ])('%s differ', (_what, left, right) => {
    expect([isSame(left, right), isSame(right, left)]).toEqual([false, false]);
  });
});
