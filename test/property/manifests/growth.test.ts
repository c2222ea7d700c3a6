import { describe, expect, test } from '@jest/globals';
import { findObjects } from '../../../src/manifests/workloads.ts';
import { readManifests } from '../../../src/manifests/manifest.ts';
import { rewriteManifest } from '../../../src/manifests/rewrite.ts';
import type { Operation } from '../../../src/json/operation.ts';
import { isObject } from '../../../src/json/json.ts';

const times = (count: number, make: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => make(index)).join('');

/** Manifests of so many parts each, of every kind of part that there is. */
const shapes: Readonly<Record<string, (count: number) => string>> = {
  anchors: (count) => `a:\n${times(count, (i) => `- &a${i} x\n`)}`,
  'anchors of nothing': (count) => `a:\n${times(count, (i) => `- &a${i}\n`)}`,
  'anchors with an alias each': (count) => `a:\n${times(count, (i) => `- &a${i} x\n- *a${i}\n`)}`,
  'anchors of one name': (count) => `a:\n${times(count, () => '- &a {b: 1}\n- *a\n')}`,
  'aliases of one map': (count) => `b: &b {x: 1}\na:\n${times(count, () => '- *b\n')}`,
  'anchors in anchors': (count) => times(count, (i) => (i === 0 ? 'a0: &a0 [x]\n' : `a${i}: &a${i} [*a${i - 1}]\n`)),
  'unknown aliases': (count) => `a:\n${times(count, () => '- *b\n')}`,
  'merge keys': (count) => times(count, (i) => `k${i}: &a${i} {a: 1}\nm${i}: {<<: *a${i}, b: 1}\n`),
  'a merged list': (count) =>
    `k:\n${times(count, (i) => `- &a${i} {a${i}: 1}\n`)}a: {<<: [${times(count, (i) => `*a${i}, `)}]}\n`,
  keys: (count) => times(count, (i) => `k${i}: x\n`),
  'keys below a key': (count) => `a:\n${times(count, (i) => `  k${i}: x\n`)}`,
  'keys on one line': (count) => `a: {${times(count, (i) => `k${i}: 1, `)}}\n`,
  'items on one line': (count) => `a: [${times(count, (i) => `x${i}, `)}]\n`,
  brackets: (count) => '['.repeat(count),
  'nested maps': (count) => '{a: '.repeat(count),
  dashes: (count) => '- '.repeat(count),
  'comments above': (count) => `${times(count, (i) => `# ${i}\n`)}a: {}\n`,
  'comments below': (count) => `a: {}\n${times(count, (i) => `# ${i}\n`)}`,
  documents: (count) => times(count, () => '---\na: {}\n'),
  directives: (count) => `${times(count, () => '%A\n')}---\na: {}\n`,
  tags: (count) => `a:\n${times(count, (i) => `- !t${i} x\n`)}`,
  'lines of a text': (count) => `b: |\n${times(count, () => '  x\n')}a: {}\n`,
  'JSON objects': (count) => times(count, (i) => `{"a":{"b":${i}}}\n`),
  'JSON members': (count) => `{"a":{${times(count, (i) => `"k${i}":1,`)}"z":1}}`,
  'JSON items': (count) => `{"a":[${times(count, (i) => `{"k":${i}},`)}1]}`,
  'JSON escapes': (count) => `{"a":{},"b":"${'\\"'.repeat(count)}"}`,
  'JSON without an end': (count) => `{"a":"${'\\"'.repeat(count)}"`,
  errors: (count) => times(count, () => 'a: "\n'),
};

function operationFor(value: unknown): Operation {
  if (isObject(value) && Array.isArray(value['a'])) return { op: 'add', path: '/a/0', value: 'x' };
  return { op: 'add', path: isObject(value) && isObject(value['a']) ? '/a/zz' : '/zz', value: { b: 1 } };
}

/** Milliseconds of reading a source and of a change in each of its objects, but of a few only. */
function cost(text: string): number {
  const start = performance.now();
  let changes = 0;
  for (const manifest of readManifests({ name: 'f', text })) {
    if ('message' in manifest || manifest.content.format === 'empty') continue;
    findObjects(manifest.content.value);
    if (isObject(manifest.content.value) && changes++ < 5)
      rewriteManifest(manifest, [operationFor(manifest.content.value)]);
  }
  return performance.now() - start;
}

const least = (looks: number, measure: () => number): number => Math.min(...Array.from({ length: looks }, measure));

const sizes = { small: 1_000, large: 8_000 } as const;
/** Linear is 8 times, quadratic 64 times for eight times the parts. */
const mostGrowth = 22;

describe('what a manifest costs', () => {
  test.each(Object.entries(shapes))(
    'grows no faster than its bytes: %s',
    (_what, make) => {
      const [small, large] = [make(sizes.small), make(sizes.large)];
      for (let look = 0; look < 3; look++) cost(small);
      // A pause of the machine makes a look longer, never shorter, so the shortest of all looks count.
      const shortest = { small: Infinity, large: Infinity };
      for (let look = 0; look < 4; look++) {
        shortest.small = Math.min(
          shortest.small,
          least(3, () => cost(small)),
        );
        shortest.large = Math.min(shortest.large, cost(large));
        if (look > 0 && shortest.large / Math.max(shortest.small, 2) <= mostGrowth) return;
      }
      expect(shortest.large / shortest.small).toBeLessThanOrEqual(mostGrowth);
    },
    180_000,
  );
});
