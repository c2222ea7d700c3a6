import { describe, expect, test } from '@jest/globals';
import type { Operation } from '../../../src/json/operation.ts';
import { editJson } from '../../../src/manifests/json-edit.ts';
import { printAsJson } from '../../../src/manifests/json-output.ts';

const edit = (text: string, ...operations: Operation[]): string => editJson(text, 0, text.length, operations);
const add = (path: string, value: string | number | object): Operation => ({ op: 'add', path, value: value as never });
const remove = (path: string): Operation => ({ op: 'remove', path });

describe('editJson', () => {
  test.each<[string, string, Operation[], string]>([
    [
      'numbers and texts in their notation',
      '{"a":[9007199254740993,12345678901234567890,1e400,-0,1.0,1E5],"b":"\\u0041\\/","c":{"d":1.50}}',
      [add('/c/e', 1), add('/f', 'x')],
      '{"a":[9007199254740993,12345678901234567890,1e400,-0,1.0,1E5],"b":"\\u0041\\/","c":{"d":1.50,"e":1},"f":"x"}',
    ],
    ['blanks of one line', '{ "a": 1, "b": [ ] }', [add('/c', 2), add('/b/0', 3)], '{ "a": 1, "b": [ 3 ], "c": 2 }'],
    ['blanks after commas', '{"a": 1}', [add('/b', 2)], '{"a": 1, "b": 2}'],
    ['an odd layout', '{"a"\n:1\n,"b":2}', [add('/c', 3)], '{"a"\n:1\n,"b":2,"c"\n:3}'],
    ['a first item', '[1, 2]', [add('/0', 0)], '[0, 1, 2]'],
    ['a middle item', '[\n\t1,\n\t3\n]', [add('/1', 2)], '[\n\t1,\n\t2,\n\t3\n]'],
    ['lines of what is added', '{\n  "a": {}\n}', [add('/a/b', { c: [1] })], '{\n  "a": {\n    "b": {\n      "c": [\n        1\n      ]\n    }\n  }\n}'],
    ['one line among many', '{\n  "a": {"b": 1}\n}', [add('/a/c', { d: 2 })], '{\n  "a": {"b": 1, "c": {"d":2}}\n}'],
    ['Windows line breaks', '{\r\n  "a": []\r\n}', [add('/a/0', 1)], '{\r\n  "a": [\r\n    1\r\n  ]\r\n}'],
    ['what a replaced object has in common', '{"a":{"b":1.0,"c":2,"d":3}}', [{ op: 'replace', path: '/a', value: { b: 1, c: 5 } }], '{"a":{"b":1.0,"c":5}}'],
    ['a key that is there twice', '{"a":1,"b":2,"a":3}', [remove('/a')], '{"b":2}'],
    ['an operation in what another adds', '{"a":1}', [add('/b', { c: [] }), add('/b/c/-', 2)], '{"a":1,"b":{"c":[2]}}'],
    ['names of prototypes', '{"__proto__":{"a":1.0}}', [add('/b', 1)], '{"__proto__":{"a":1.0},"b":1}'],
  ])('keeps %s', (_what, before, operations, after) => {
    expect(edit(before, ...operations)).toBe(after);
    expect(JSON.parse(after)).toBeTruthy();
  }); // prettier-ignore

  test.each([
    '{"a":1}',
    '{"a": {}}',
    '[1, 2]',
    '{\n  "a": []\n}',
    '{ "a": [ ] }',
    '[\n\t{}\n]',
    '{"a":[{"b":1},{"b":2}]}',
  ])('takes away again what it added: %s', (text) => {
    const path = text.startsWith('[') ? '/0' : text.includes('"a": {') ? '/a/x' : '/b';
    expect(edit(edit(text, add(path, { y: 1 })), remove(path))).toBe(text);
  });

  test.each<[string, Operation]>([
    ['a member that is not there', remove('/x')],
    ['a way through a number', add('/a/b', 1)],
    ['an index behind the end', add('/l/5', 1)],
    ['no index', remove('/l/x')],
    ['the document', remove('')],
  ])('refuses %s', (_what, operation) => {
    expect(() => edit('{"a":1,"l":[]}', operation)).toThrow(/does not fit/);
  });
});

describe('printAsJson', () => {
  test('keeps the digits of numbers of JSON and YAML', () => {
    expect(printAsJson(['{"a":[9007199254740993,1.0,-0,1E5]}'])).toBe(
      '{\n  "a": [\n    9007199254740993,\n    1.0,\n    -0,\n    1E5\n  ]\n}\n',
    );
    expect(printAsJson(['a: 12345678901234567890\nb: 0x1F\nc: 1_000\nd: .5\n'])).toBe(
      '{\n  "a": 12345678901234567890,\n  "b": 31,\n  "c": 1000,\n  "d": 0.5\n}\n',
    );
  });

  test('makes a List of several, without Lists in it', () => {
    const list = 'kind: List\nitems: [{a: 1}, {b: 2}]\n';
    expect(JSON.parse(printAsJson([list, '# nothing\n', '{"c":3}']))).toEqual({
      apiVersion: 'v1',
      kind: 'List',
      items: [{ a: 1 }, { b: 2 }, { c: 3 }],
    });
    expect(JSON.parse(printAsJson([list]))).toEqual({ kind: 'List', items: [{ a: 1 }, { b: 2 }] });
    expect(JSON.parse(printAsJson([]))).toEqual({ apiVersion: 'v1', kind: 'List', items: [] });
    expect(printAsJson(['just text\n'])).toBe('"just text"\n');
  });
});
