import { describe, expect, test } from '@jest/globals';
import { readManifests, type Manifest } from '../../../src/manifests/manifest.ts';
import type { Problem } from '../../../src/grammar/problem.ts';

function read(text: string): { manifests: readonly Manifest[]; problems: readonly Problem[] } {
  const all = [...readManifests({ name: 'web.yaml', text })];
  return {
    manifests: all.filter((one) => 'content' in one),
    problems: all.filter((one) => 'message' in one),
  };
}

function valueOf(text: string): unknown {
  const { manifests, problems } = read(text);
  expect(problems).toEqual([]);
  const content = manifests[0]?.content;
  return content === undefined || content.format === 'empty' ? undefined : content.value;
}

describe('readManifests', () => {
  test.each<[string, unknown]>([
    ['a: yes', { a: true }],
    ['a: off', { a: false }],
    ['a: 0644', { a: 420 }],
    ['a: "0644"', { a: '0644' }],
    ['a: 1_000', { a: 1000 }],
    ['a: ~', { a: null }],
    ['y: 1', { true: 1 }],
    ['80: x', { '80': 'x' }],
    ['a: 22:30', { a: '22:30' }],
    ['a: 2020-01-01', { a: '2020-01-01' }],
    ['a: 2020-01-01T10:00:00Z', { a: '2020-01-01T10:00:00Z' }],
    ['a: &x {b: 1}\nc: *x', { a: { b: 1 }, c: { b: 1 } }],
    ['a: &x {b: 1}\nc: {<<: *x, d: 2}', { a: { b: 1 }, c: { b: 1, d: 2 } }],
    ['\uFEFFa: 1', { a: 1 }],
    ['{"a": 1.50}', { a: 1.5 }],
    ['---\n{"a": 1}\n', { a: 1 }],
    ['{a: 1,}', { a: 1 }],
  ])('reads %j as kubectl does', (text, value) => {
    expect(valueOf(text)).toEqual(value);
  });

  test('shares nothing between an anchor and its aliases', () => {
    const value = valueOf('a: &x {b: 1}\nc: *x') as { a: object; c: object };
    expect(value.a).not.toBe(value.c);
  });

  test('keeps a member called __proto__', () => {
    expect(JSON.stringify(valueOf('__proto__: {a: 1}'))).toBe('{"__proto__":{"a":1}}');
  });

  test.each(['', '---\n', '# only words\n', '---\n# only words\n---\n', '\r\n', '...\n'])(
    'finds nothing in %j',
    (text) => {
      const { manifests, problems } = read(text);
      expect(problems).toEqual([]);
      expect(manifests.every(({ content }) => content.format === 'empty')).toBe(true);
      expect(manifests.map((manifest) => manifest.text).join('')).toBe(text);
    },
  );

  test.each<[string, string, string, RegExp]>([
    ['bad indentation', 'a: 1\n---\nb:\n  c: 1\n d: 2\n', 'web.yaml:5:1', /./],
    ['an open quote', 'a: "1\n', 'web.yaml:2:1', /quote/i],
    ['the same key twice', 'a: 1\na: 2\n', 'web.yaml:2:1', /unique/i],
    ['an unknown alias', 'a: *b\n', 'web.yaml:1:4', /alias/i],
    ['a tab as indentation', 'a:\n\tb: 1\n', 'web.yaml:2:1', /tab/i],
    ['a chart template', 'a: {{ .Values.a }}\n', 'web.yaml:1:', /render it first/],
    ['broken JSON', '{"a": 1\n', 'web.yaml:2:1', /./],
  ])('tells where it met %s', (_what, text, where, message) => {
    const { problems } = read(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]?.where).toContain(where);
    expect(problems[0]?.message).toMatch(message);
  });

  test('refuses aliases that expand without end', () => {
    const levels = Array.from({ length: 12 }, (_, level) =>
      level === 0
        ? 'a0: &a0 [x, x, x, x]'
        : `a${level}: &a${level} [${Array(9)
            .fill(`*a${level - 1}`)
            .join(', ')}]`,
    );
    expect(read(levels.join('\n')).problems[0]?.message).toMatch(/alias/i);
  });
});
