import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseYaml } from '../../../src/grammar/yaml/document.ts';
import { readValue } from '../../../src/grammar/yaml/value.ts';
import { printAsJson } from '../../../src/manifests/json-output.ts';
import { readManifests } from '../../../src/manifests/manifest.ts';
import { rewriteManifest } from '../../../src/manifests/rewrite.ts';

/** Texts, and what kubectl 1.34 reads in them as JSON. `make test-apiserver` compares many more with its own reader. */
const readings = JSON.parse(readFileSync(path.join(import.meta.dirname, 'as-kubectl-reads.json'), 'utf8')) as [
  string,
  string,
][];

function problemOf(text: string): string {
  const read = readValue(parseYaml(text));
  if (!('message' in read)) throw new Error('there is no problem');
  return read.message;
}

/** A document with this line after a change that makes it be printed anew. */
function printAnew(line: string): string {
  const [manifest] = readManifests({ name: 'f', text: `m: &m {k: v}\no: *m\n${line}\n` });
  if (manifest === undefined || 'message' in manifest) throw new Error('not read');
  const { text, reprinted } = rewriteManifest(manifest, [{ op: 'add', path: '/o/z', value: 'new' }]);
  expect(reprinted).toBe(true);
  return text;
}

describe('YAML as kubectl reads it', () => {
  test.each(readings)('%j', (text, json) => {
    expect(readValue(parseYaml(text))).toEqual({ value: JSON.parse(json) });
  });

  test.each([
    ['x: 9223372036854775807', '9223372036854775807'],
    ['x: 0xFFFFFFFFFFFFFFFF', '18446744073709551615'],
    ['x: 123456789012345678901234', '123456789012345678901234'],
    ['x: 0.12345678901234567890123', '0.12345678901234567890123'],
    ['x: +1_000.50', '1000.50'],
    ['x: .5', '0.5'],
    ['x: 1.0', '1'],
    ['x: 0o17', '15'],
    ['x: &a 9007199254740993\ny: *a', '9007199254740993'],
  ])('keeps its digits in JSON: %s', (text, digits) => {
    expect(printAsJson([text])).toContain(`"x": ${digits}`);
  });

  test.each([
    ['a: [1.0, 0x10, 9223372036854775807, -0, ~, e1, yes, 0o17, .5]'],
    ['a: "\\u0085start"'],
    ['a: "\\u2028 \\ufeff \\u007f"'],
    ["a: {'<<': 2}"],
    ['a: {"<<": 2}'],
    ['a: !!binary aGVsbG8='],
  ])('is printed anew as it was written: %s', (line) => {
    expect(printAnew(line)).toBe(`m: {k: v}\no: {k: v, z: new}\n${line}\n`);
  });

  test('takes what comes later when a merged map has a key, too', () => {
    expect(printAnew('a: {b: 4, c: 5, <<: {b: 1, d: 2}, d: 3}')).toContain('\na: {b: 1, c: 5, d: 3}\n');
  });

  test.each<[string, RegExp]>([
    ['a: 1\na: 2', /Map keys must be unique: "a" is there twice, and kubectl takes the last; remove one/],
    ['~: 1', /null is no key; write quotes around it/],
    ['18446744073709551615: 1', /no key; write quotes/],
    ['[1]: 2', /a key must be plain text; write quotes around it/],
    ['a: @x', /write quotes around the value/],
    ['a: "x', /^Missing closing quote " of "\\"x"; write it/],
    ['a: [x', /^Missing closing bracket \] of "\[x"; write it/],
    ['a: {x: 1\nb: 1\nc: {}', /^Missing closing bracket \} of "\{x: 1\\nb: 1\\nc: \{\}"; write it/],
    ['a: "\\q"', /a backslash is written \\\\/],
    ['a:\n\tb: 1', /write spaces/],
    ['a: x\u2028y', /U\+2028 is a line break in YAML; write \\u2028/],
    ['a: |2\n   \n', /blanks only; write it between double quotes/],
    ['a: !!int x', /!!int must be followed by a whole number/],
    ['a: !!bool 1', /!!bool must be followed by true or false/],
    ['a: !!timestamp 2001-02-29', /date such as 2001-12-31/],
    [' a: 1\nb: 2', /indent the line as those that it belongs to/],
  ])('says how to write what it refuses: %j', (text, message) => {
    expect(problemOf(text)).toMatch(message);
  });

  test.each<[string, boolean]>([
    ['args: ["{{x}}"]\nb: "', false],
    ['name: {{ .Values.name }}\nb: "', true],
    ['{{- if .x }}\na: "', true],
    ['# {{x}}\nb: "', false],
  ])('takes only what stands where a value does for a template: %j', (text, isTemplate) => {
    const problem = readManifests({ name: 'f', text }).next().value;
    expect(JSON.stringify(problem).includes('chart template')).toBe(isTemplate);
  });
});
