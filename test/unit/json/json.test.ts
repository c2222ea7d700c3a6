import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { canonicalText, freezeDeep, isSame } from '../../../src/json/json.ts';

const someJson = fc.jsonValue({ maxDepth: 3, noUnicodeString: true });

test('a canonical text tells all but the order of members', () => {
  const members = '{"b":[{"d":1,"c":2}],"a":{},"__proto__":null}';
  expect(canonicalText(JSON.parse(members))).toBe('{"__proto__":null,"a":{},"b":[{"c":2,"d":1}]}');
});

describe('plain values', () => {
  test('are the same exactly when their canonical texts are', () => {
    fc.assert(
      fc.property(someJson, someJson, (left, right) => {
        expect(isSame(left, right)).toBe(canonicalText(left) === canonicalText(right));
        expect(isSame(left, structuredClone(left))).toBe(true);
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
    ['a member more', { a: 1, b: 2 }, { a: 1 }],
    ['an inherited name', { toString: 1 }, {}],
    ['own members named __proto__', JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":2}')],
    ['a number and its text', 1, '1'],
  ])('%s differ', (_what, left: unknown, right: unknown) => {
    expect([isSame(left, right), isSame(right, left)]).toEqual([false, false]);
  });

  test('texts may count as alike', () => {
    const ofOneLength = (left: string, right: string) => left.length === right.length;
    expect(isSame({ a: ['x'] }, { a: ['y'] }, ofOneLength)).toBe(true);
    expect(isSame({ a: ['x'] }, { a: ['yy'] }, ofOneLength)).toBe(false);
    expect(isSame({ a: 1 }, { b: 1 }, ofOneLength)).toBe(false);
  });

  test('members may come in any order', () => {
    expect(isSame({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true);
  });
});

test('what is frozen is frozen to its last member', () => {
  const value = freezeDeep({ a: [{ b: 1 }] });
  expect([value, value.a, value.a[0]].every((part) => Object.isFrozen(part))).toBe(true);
});
