import { describe, expect, test } from '@jest/globals';
import type { Operation } from '../../../src/json/operation.ts';
import { readManifests } from '../../../src/manifests/manifest.ts';
import { rewriteManifest } from '../../../src/manifests/rewrite.ts';

function rewrite(text: string, ...operations: Operation[]) {
  const [manifest] = readManifests({ name: 'x', text });
  if (manifest === undefined || 'message' in manifest) throw new Error(manifest?.message ?? 'no manifest');
  return rewriteManifest(manifest, operations);
}

const deep = { name: 'p', args: ['-x', 'yes'], emptyDir: {} };

/** What, text before, operations, text after: only the lines that an operation touches may differ. */
const cases: readonly [string, string, readonly Operation[], string][] = [
  [
    'a list item before the first, above its comments',
    'c:\n  # first\n  - name: a   # one\n',
    [{ op: 'add', path: '/c/0', value: deep }],
    'c:\n  - name: p\n    args:\n      - -x\n      - "yes"\n    emptyDir: {}\n  # first\n  - name: a   # one\n',
  ],
  [
    'a list item at the end, below its comments',
    'c:\n- name: a\n  # not: yet\n# after\nd: 1\n',
    [{ op: 'add', path: '/c/-', value: deep }],
    'c:\n- name: a\n  # not: yet\n- name: p\n  args:\n  - -x\n  - "yes"\n  emptyDir: {}\n# after\nd: 1\n',
  ],
  [
    'a list item between two',
    'c:\n- a\n\n# b\n- b\n',
    [{ op: 'add', path: '/c/1', value: 'x' }],
    'c:\n- a\n- x\n\n# b\n- b\n',
  ],
  [
    'an item of a list on one line, below a comment of its own',
    'c:\n# first\n- {}\n# second\n- [false]  # beside\n',
    [{ op: 'add', path: '/c/1/0', value: 0 }],
    'c:\n# first\n- {}\n# second\n- [0, false]  # beside\n',
  ],
  [
    'a member of the map of a list item',
    'c:\n  - name: a\n    x: {y: 1}\n',
    [{ op: 'add', path: '/c/0/env', value: [{ name: 'E', value: '1' }] }],
    'c:\n  - name: a\n    x: {y: 1}\n    env:\n      - name: E\n        value: "1"\n',
  ],
  [
    'inner before outer insertions at one place',
    'a:\n  c:\n  - name: a\n',
    [
      { op: 'add', path: '/a/v', value: 1 },
      { op: 'add', path: '/a/c/-', value: 'x' },
      { op: 'add', path: '/a/c/0/e', value: 2 },
    ],
    'a:\n  c:\n  - name: a\n    e: 2\n  - x\n  v: 1\n',
  ],
  [
    'an empty text in place of a value that an operation before it has brought',
    'p:\n  port: 1\n',
    [
      { op: 'replace', path: '/p', value: { port: null, deep: { x: 5 } } },
      { op: 'replace', path: '/p', value: { port: '', deep: { x: '' } } },
    ],
    'p:\n  port: ""\n  deep:\n    x: ""\n',
  ],
  [
    'a scalar beside its comment',
    'p:   /a  # path\n',
    [{ op: 'replace', path: '/p', value: '/b' }],
    'p:   /b  # path\n',
  ],
  ['a scalar in its quotes', "p: 'a'\n", [{ op: 'replace', path: '/p', value: 'b' }], "p: 'b'\n"],
  ['a scalar that YAML 1.1 would misread', 'p: a\n', [{ op: 'replace', path: '/p', value: 'no' }], 'p: "no"\n'],
  ['a null', 'p:  # nothing\nq: 1\n', [{ op: 'add', path: '/p', value: 5 }], 'p: 5  # nothing\nq: 1\n'],
  ['into an empty flow map', 'm: {}  # none\n', [{ op: 'add', path: '/m/b', value: 'c' }], 'm:  # none\n  b: c\n'],
  ['into an empty flow list', 'm: []\n', [{ op: 'add', path: '/m/0', value: { a: 1 } }], 'm:\n  - a: 1\n'],
  ['into a flow map', 'm: {a: 1} # m\n', [{ op: 'add', path: '/m/b', value: [] }], 'm: {a: 1, b: []} # m\n'],
  [
    'text with colons into a flow map, which kubectl reads only in quotes',
    'm: {a: 1, u: x:y}\n',
    [{ op: 'add', path: '/m/b', value: { c: '::6', 'd:e': 'f' } }],
    'm: {a: 1, u: x:y, b: {c: "::6", "d:e": f}}\n',
  ],
  ['into a padded flow map', 'm: { a: 1 }\n', [{ op: 'add', path: '/m/b', value: 2 }], 'm: { a: 1, b: 2 }\n'],
  ['a member of the root', 'a: 1\n# end\n', [{ op: 'add', path: '/b', value: 2 }], 'a: 1\nb: 2\n# end\n'],
  ['out of a map', 'a: 1\n# of b\nb:\n  c: 2\nd: 3\n', [{ op: 'remove', path: '/b' }], 'a: 1\n# of b\nd: 3\n'],
  ['out of a list', 'l:\n- a: 1\n  b: 2\n- c\n', [{ op: 'remove', path: '/l/0' }], 'l:\n- c\n'],
  ['the only item', 'l:\n- a\nm: 1\n', [{ op: 'remove', path: '/l/0' }], 'l: []\nm: 1\n'],
  ['the first member of a list item', 'l:\n- a: 1\n  b: 2\n', [{ op: 'remove', path: '/l/0/a' }], 'l:\n- b: 2\n'],
  [
    'the first member of a list item that ends in an empty value, above a comment',
    'l:\n- a: 1\n  b: 2\n  c:\n# of d\n- d\n',
    [{ op: 'remove', path: '/l/0/a' }],
    'l:\n- b: 2\n  c:\n# of d\n- d\n',
  ],
  ['a list by null', 'l:\n- a\nm: 1\n', [{ op: 'replace', path: '/l', value: null }], 'l:\nm: 1\n'],
  [
    'a map by another',
    'p:\n  h:\n    q: 1\n  i: 2\n',
    [{ op: 'replace', path: '/p/h', value: { r: 3 } }],
    'p:\n  h:\n    r: 3\n  i: 2\n',
  ],
  [
    'a map by one that shares members',
    'h:\n  path: /a  # path\n  # port\n  port: http\n  x: {k: 1}\n',
    [{ op: 'replace', path: '/h', value: { path: '/b', port: 15020, x: { k: 1 }, z: 'Z' } }],
    'h:\n  path: /b  # path\n  # port\n  port: 15020\n  x: {k: 1}\n  z: Z\n',
  ],
  [
    'a map by one with fewer members',
    'h:\n  path: /a  # path\n  scheme: HTTP\n  port: 1\n',
    [{ op: 'replace', path: '/h', value: { port: 1, path: '/b' } }],
    'h:\n  path: /b  # path\n  port: 1\n',
  ],
  ['text of several lines', 'p: 1\n', [{ op: 'add', path: '/q', value: 'a\nb\n' }], 'p: 1\nq: |\n  a\n  b\n'],
  [
    'a list item below a blank first line',
    '\nl:\n- b\n',
    [{ op: 'add', path: '/l/0', value: 'a' }],
    '\nl:\n- a\n- b\n',
  ],
  ['a member below a blank first line', '\na: 1\n', [{ op: 'add', path: '/b', value: 2 }], '\na: 1\nb: 2\n'],
  ['without a line break at the end', 'a: 1', [{ op: 'add', path: '/b', value: 2 }], 'a: 1\nb: 2'],
  ['with Windows line breaks', 'a: 1\r\n', [{ op: 'add', path: '/b', value: ['x'] }], 'a: 1\r\nb:\r\n  - x\r\n'],
  [
    'after a block scalar',
    'a:\n  b: |\n    x\n\n  c: 1\n',
    [{ op: 'add', path: '/a/d', value: 2 }],
    'a:\n  b: |\n    x\n\n  c: 1\n  d: 2\n',
  ],
  [
    'with four spaces a level',
    'a:\n    b:\n        c: 1\n',
    [{ op: 'add', path: '/a/d', value: { e: { f: 2 } } }],
    'a:\n    b:\n        c: 1\n    d:\n        e:\n            f: 2\n',
  ],
  ['before an end marker', '--- # x\na: 1\n...\n', [{ op: 'add', path: '/b', value: 2 }], '--- # x\na: 1\nb: 2\n...\n'],
  [
    'an untouched alias',
    'a: &x {b: 1}\nc: *x\nd: 1\n',
    [{ op: 'replace', path: '/d', value: 2 }],
    'a: &x {b: 1}\nc: *x\nd: 2\n',
  ],
  [
    'a key that hides a merged one',
    'a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n',
    [{ op: 'replace', path: '/c/b', value: 3 }],
    'a: &x {b: 1}\nc:\n  <<: *x\n  b: 3\n',
  ],
];

describe('rewriteManifest', () => {
  test.each(cases)('changes in place: %s', (_what, before, operations, after) => {
    const result = rewrite(before, ...operations);
    expect(result.text).toBe(after);
    expect(result.reprinted).toBe(false);
  });

  test.each<[string, string, Operation, string]>([
    [
      'an alias',
      'a: &x {b: 1}\nc: *x # c\n',
      { op: 'add', path: '/c/d', value: 2 },
      'a: {b: 1}\nc: {b: 1, d: 2} # c\n',
    ],
    [
      'an anchored map',
      'a: &x\n  b: 1\nc: *x\n',
      { op: 'add', path: '/a/d', value: 2 },
      'a:\n  b: 1\n  d: 2\nc:\n  b: 1\n',
    ],
    [
      'a merged key',
      'a: &x {b: {e: 1}}\n# c\nc:\n  <<: *x\n',
      { op: 'add', path: '/c/b/d', value: 2 },
      'a: {b: {e: 1}}\n# c\nc:\n  b: {e: 1, d: 2}\n',
    ],
    ['an explicit key', '? a\n: b: 1\n', { op: 'add', path: '/a/c', value: 2 }, 'a:\n  b: 1\n  c: 2\n'],
  ])('prints the document anew around %s', (_what, before, operation, after) => {
    expect(rewrite(before, operation)).toMatchObject({ text: after, reprinted: true });
  });

  test.each<[string, string]>([
    ['comments', 'a: { # c\n  b: 1, # d, e\n  c: 2 # f\n}\n'],
    ['one member a line and a comma at the end', 'a: {\n  b: 1,\n  c: 2,\n  }\n'],
    ['members of JSON', 'a:   {"b":1.0 ,"c": [ 0x10,2 ]}\n'],
    ['quotes and tags', 'a: {b: !!str 1, c: \'x\', d: "y"} # z\n'],
    ['nothing in it', 'a: {}\n'],
  ])('takes away from a map on one line what it added: %s', (_what, text) => {
    const added = rewrite(text, { op: 'add', path: '/a/k', value: 'v' }).text;
    expect(added).not.toBe(text);
    expect(rewrite(added, { op: 'remove', path: '/a/k' }).text).toBe(text);
  });

  test.each<[string, string, string]>([
    ['two spaces', '{\n  "a": [\n    1\n  ]\n}\n', '{\n  "a": [\n    1\n  ],\n  "b": 2\n}\n'],
    ['tabs', '{\n\t"a": 1\n}', '{\n\t"a": 1,\n\t"b": 2\n}'],
    ['one line', '{"a":1}\n', '{"a":1,"b":2}\n'],
    ['a separator before', '---\n{"a":1}\n', '---\n{"a":1,"b":2}\n'],
    ['Windows line breaks', '{\r\n  "a": 1\r\n}\r\n', '{\r\n  "a": 1,\r\n  "b": 2\r\n}\r\n'],
  ])('keeps the indentation of JSON: %s', (_what, before, after) => {
    expect(rewrite(before, { op: 'add', path: '/b', value: 2 }).text).toBe(after);
  });

  test('throws for an operation that does not fit', () => {
    expect(() => rewrite('a: 1\n', { op: 'remove', path: '/b' })).toThrow(/does not fit/);
  });
});
