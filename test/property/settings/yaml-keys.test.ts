import { expect, test } from '@jest/globals';
import { yamlMap } from '../../../src/grammar/yaml-grammar.ts';

/** What an annotation in YAML may have at most. */
const longest = 16_000;

function cut(lines: readonly string[]): string {
  const text = lines.join('\n');
  return text.slice(0, text.lastIndexOf('\n', longest));
}

const numbers = Array.from({ length: 3_000 }, (_, at) => `k${at.toString(36)}`);
const keys = cut(numbers.map((number) => `${number}:`));
const items = `a:\n${cut(numbers.map((number) => `- ${number}`))}`;

function least(text: string): number {
  const times = Array.from({ length: 7 }, () => {
    const start = performance.now();
    yamlMap.parse(text);
    return performance.now() - start;
  });
  return Math.min(...times);
}

test('two thousand keys cost about what two thousand items do, and are not compared in pairs', () => {
  expect([yamlMap.parse(keys), yamlMap.parse(items)].filter((parsed) => 'problem' in parsed)).toEqual([]);
  const ratios: number[] = [];
  // A pause of the machine makes one look too large, not all of them.
  do ratios.push(least(keys) / least(items));
  while (Math.min(...ratios) > 2 && ratios.length < 5);
  expect(Math.min(...ratios)).toBeLessThan(2);
});
