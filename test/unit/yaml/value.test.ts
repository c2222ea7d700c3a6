import { describe, expect, test } from '@jest/globals';
import { readManifests } from '../../../src/manifests/manifest.ts';
import { rewriteManifest } from '../../../src/manifests/rewrite.ts';

function read(text: string) {
  const [manifest] = readManifests({ name: 'f', text });
  if (manifest === undefined) throw new Error('nothing was read');
  return manifest;
}

describe('a value of YAML', () => {
  test.each<[string, unknown]>([
    ['!!binary aGVsbG8=', 'hello'],
    ['!!set {x, z}', { x: null, z: null }],
    ['!!omap [x: 1]', [{ x: 1 }]],
    ['!!timestamp 2001-01-01', '2001-01-01'],
    ['12:30:45', '12:30:45'],
    ['1e400', '1e400'],
    ['12e4567', '12e4567'],
    ['e3', 'e3'],
    ['.', '.'],
    ['-0', 0],
    ['0x1F', 31],
    ['014', 12],
    ['.5', 0.5],
    ['!own x', 'x'],
    ['{<<: [{b: 1, c: 2}, {c: 3}], b: 4}', { b: 4, c: 2 }],
  ])('is what kubectl reads: %s', (text, value) => {
    expect(read(`a: ${text}\n`)).toHaveProperty('content.value', { a: value });
  });

  test.each<[string, string, RegExp]>([
    ['a: .inf', 'f:1:4', /"\.inf" is no finite number/],
    ['b: [1, -.INF]', 'f:1:8', /"-\.INF" is no finite number/],
    ['a: .NaN', 'f:1:4', /"\.NaN" is no finite number/],
    ['{"a": 1e400}', 'f:1:7', /"1e400" is no finite number/],
    ['[{"b": [-1E999]}]', 'f:1:9', /"-1E999" is no finite number/],
    ['a: !!binary "?"', 'f:1:13', /base64/],
    ['a: &x [*x]', 'f:1:8', /inside its own anchor/],
    ['a: {<<: 1}', 'f:1:9', /merge key/],
    ['1: a\n"1": b', 'f:2:1', /unique/],
    ['a: {b: 1, b: 2}', 'f:1:11', /unique/],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'f:1:501', /nested too deeply; allowed: 500 levels/],
    [`{"a":${'[1,'.repeat(5_000)}1${']'.repeat(5_000)}}`, 'f:1:', /nested too deeply/],
    ['- '.repeat(20_000), 'f:1:', /nested too deeply/],
    ['['.repeat(100_000), 'f:1:', /nested too deeply/],
    ['{a: '.repeat(20_000), 'f:1:', /nested too deeply/],
  ])('that nothing can hold is a problem with its place: text %#', (text, where, message) => {
    const problem = read(text);
    expect(problem).toMatchObject({ where: expect.stringContaining(where), message: expect.stringMatching(message) });
  });

  test('may be nested as deeply as is allowed', () => {
    expect(read(`{"a":${'['.repeat(499)}${']'.repeat(499)}}`)).toHaveProperty('content.format', 'json');
    expect(read(`a: ${'['.repeat(499)}${']'.repeat(499)}\n`)).toHaveProperty('content.format', 'yaml');
  });

  test('of an anchor is the last one before the alias, and of no other document', () => {
    const text = 'a: &x 1\nb: &y [*x]\nc: &x 2\nd: [*x, *y]\n';
    expect(read(text)).toHaveProperty('content.value', { a: 1, b: [1], c: 2, d: [2, [1]] });
  });

  test.each([
    ['b: {n: 99999999999999999999999, f: 1.0, e: 1E5, h: 0x1F, z: -0, "q": \'s\'}', 'b: {n: 99999999999999999999999, f: 1.0, e: 1E5, h: 0x1F, z: -0, "q": \'s\', k: v}'],
    ['b:   {"a":1.0 ,"c": [ 1e400,2 ]}  # note', 'b:   {"a":1.0 ,"c": [ 1e400,2 ],k: v}  # note'],
    ['b: {n: 1.0, # note\n  m: 1E5}', 'b: {n: 1.0, # note\n  m: 1E5,\n  k: v}'],
    ['b: {x: &a 0x10, y: 1.0}\nc: *a', 'b: {x: &a 0x10, y: 1.0, k: v}\nc: *a'],
    ['b: {x: !!binary aGVsbG8=}', 'b: {x: !!binary aGVsbG8=, k: v}'],
  ])('keeps its notation beside what is added: %s', (before, after) => {
    const manifest = read(`${before}\n`);
    if ('message' in manifest) throw new Error(manifest.message);
    const { text } = rewriteManifest(manifest, [{ op: 'add', path: '/b/k', value: 'v' }]);
    expect(text).toBe(`${after}\n`);
  }); // prettier-ignore
});
