import { describe, expect, test } from '@jest/globals';
import { rememberRecent, weigh } from '../../../../src/injection/cache/recently-used.ts';

const bounds = { entries: 3, entryBytes: 1_000, bytes: 2_000 } as const;
const text = (bytes: number): string => 'x'.repeat(bytes / 2);

describe('within its bounds', () => {
  test('what was not put for longest goes first', () => {
    const memory = rememberRecent<number>(bounds, (value) => value);
    for (const key of ['a', 'b', 'c', 'a', 'd']) memory.put(key, 1);
    expect(['a', 'b', 'c', 'd'].map((key) => memory.get(key))).toEqual([1, undefined, 1, 1]);
    memory.delete('c');
    memory.put('e', 2);
    expect(['a', 'd', 'e'].map((key) => memory.get(key))).toEqual([1, 1, 2]);
  });

  test('bytes count, keys too', () => {
    const memory = rememberRecent<string>(bounds, (value) => value);
    memory.put('a', text(900));
    memory.put('b', text(900));
    expect([memory.get('a'), memory.get('b')]).toEqual([text(900), text(900)]);
    memory.put('c', text(300));
    expect([memory.get('a'), memory.get('b')]).toEqual([undefined, text(900)]);
    memory.put(text(900), text(100));
    expect(memory.get(text(900))).toBeUndefined();
  });

  test('what is too large is not kept, nor what was there before', () => {
    const memory = rememberRecent<string>(bounds, (value) => value);
    memory.put('a', 'old');
    memory.put('b', 'other');
    memory.put('a', text(1_000));
    expect([memory.get('a'), memory.get('b')]).toEqual([undefined, 'other']);
  });

  test('any number of changes leaves room for as much as before', () => {
    const memory = rememberRecent<string>(bounds, (value) => value);
    for (let round = 0; round < 1_000; round++) {
      memory.put(`${round % 5}`, text(((round * 7) % 9) * 100));
      if (round % 3 === 0) memory.delete(`${round % 4}`);
    }
    for (const key of ['x', 'y']) memory.put(key, text(900));
    expect([memory.get('x'), memory.get('y')]).toEqual([text(900), text(900)]);
  });
});

describe('the weight of a value', () => {
  test('grows with texts, keys and members', () => {
    const plain = weigh({ a: 'x' }, 1e9);
    expect(weigh({ a: 'xxxx' }, 1e9)).toBe(plain + 6);
    expect(weigh({ aaaa: 'x' }, 1e9)).toBe(plain + 6);
    expect(weigh({ a: 'x', b: [1, null, { c: true }] }, 1e9)).toBeGreaterThan(plain + 100);
  });

  test('is not counted on above the bound', () => {
    const list = Array.from({ length: 1e6 }, (_, index) => index);
    expect(weigh(list, 1_000)).toBeLessThan(2_000);
    expect(weigh(list, 1_000)).toBeGreaterThan(1_000);
  });
});
