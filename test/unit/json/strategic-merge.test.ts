import { describe, expect, test } from '@jest/globals';
import { mergeNamed, strategicMerge } from '../../../src/json/strategic-merge.ts';

const named = (names: string) => names.split('').map((name) => ({ name }));

describe('strategic merge', () => {
  // Base, patch, result; capitals are in both.
  test.each([
    ['ab', 'xy', 'xyab'],
    ['aB', 'xBy', 'xaBy'],
    ['Ba', 'xBy', 'xBya'],
    ['aBcD', 'DB', 'acDB'],
    ['', 'xy', 'xy'],
    ['ab', '', 'ab'],
  ])('order of %j under %j is %j', (base, patch, expected) => {
    expect(mergeNamed(named(base), named(patch), 'containers').map(({ name }) => name)).toEqual(expected.split(''));
  });

  test('what the patch does not name stays the same object', () => {
    const [own = {}, other = {}] = named('ab');
    const merged = mergeNamed([own, other], [{ name: 'b', more: 1 }], 'containers');
    expect(merged[0]).toBe(own);
    expect(merged[1]).toEqual({ name: 'b', more: 1 });
  });

  test.each([
    [{ a: 1, b: { c: 1 } }, { b: { d: 2 } }, { a: 1, b: { c: 1, d: 2 } }],
    [{ a: 1, b: 2 }, { b: null }, { a: 1 }],
    [{ args: ['x', 'y'] }, { args: ['z'] }, { args: ['z'] }],
    [{ a: { b: 1 } }, { a: { $patch: 'replace', c: 2 } }, { a: { c: 2 } }],
    [{ env: [{ name: 'a' }, { name: 'b' }] }, { env: [{ name: 'a', $patch: 'delete' }] }, { env: [{ name: 'b' }] }],
    [
      { ports: [{ containerPort: 1, name: 'x' }] },
      { ports: [{ containerPort: 1, protocol: 'UDP' }] },
      { ports: [{ containerPort: 1, protocol: 'UDP' }, { containerPort: 1, name: 'x' }] },
    ],
    [{}, { a: { b: null, c: 1 } }, { a: { c: 1 } }],
  ])('%j under %j is %j', (base, patch, expected) => {
    expect(strategicMerge(base, patch)).toEqual(expected);
  });
});
