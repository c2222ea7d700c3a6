import { expect, test } from '@jest/globals';
import { withoutTrailing } from '../../../src/grammar/trailing.ts';

test.each([
  ['web-', 'web'],
  ['web---', 'web'],
  ['web', 'web'],
  ['-web--x', '-web--x'],
  ['---', ''],
  ['', ''],
])('%j without dashes at its end is %j', (text, rest) => {
  expect(withoutTrailing(text, '-')).toBe(rest);
});

/** Milliseconds of the quickest of some runs: a pause of the machine makes one longer, never shorter. */
function least(work: () => unknown): number {
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return Math.min(...times);
}

test('a run of dashes that is not at the end costs no more than looking at each of them', () => {
  const text = `${'-'.repeat(30_000)}x`;
  const look = (): number => {
    let dashes = 0;
    for (let at = 0; at < text.length; at++) if (text[at] === '-') dashes += 1;
    return dashes;
  };
  // Quadratic is some thousand times as much.
  expect(least(() => withoutTrailing(text, '-')) / least(look)).toBeLessThan(50);
});
