import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import {
  compile,
  escapeExpansion,
  fill,
  quoted,
  userText,
  type Filling,
  type Tree,
} from '../../../src/envoy/flow-yaml.ts';
import { expandLikeKubelet } from '../../support/kubelet-expansion.ts';

function text(tree: Tree, filling: Filling = {}): string {
  return fill(compile(tree), filling, new Map());
}

const awkward = [
  '',
  'plain',
  'true',
  'no',
  'null',
  '1e3',
  '~',
  'a: b',
  '- a',
  '#x',
  '"quoted" and \'single\'',
  'back\\slash',
  'line\nbreak\ttab',
  '$(POD_IP)',
  '$$(POD_IP)',
  '$',
  '$$',
  'cost $5',
  '*alias &anchor !tag |x >y @z `a` %b',
  '{a: [b]}',
  'ünïcödé \u2028 \u0085 \ufeff \u{1F600}',
  '\u0000\u007f',
];

describe('user text', () => {
  test.each(awkward.map((one) => [one]))('%j reaches Envoy as it was written', (original) => {
    const argument = text({ list: [{ hole: 'value' }] }, { value: userText(original) });
    expect(parse(expandLikeKubelet(argument, { POD_IP: '10.0.0.1' }), { version: '1.1' })).toEqual({
      list: [original],
    });
  });

  test('a lone surrogate, which is no text, becomes the replacement character', () => {
    expect(parse(userText('a\ud800b'))).toBe('a\ufffdb');
  });

  test('escaping doubles every dollar', () => {
    expect(escapeExpansion('$(A) $$ $')).toBe('$$(A) $$$$ $$');
  });
});

test.each<[string, Tree]>([
  ['scalars', { a: 1, b: true, c: null, d: 'word', e: '0.5s', f: 'yes', g: 'On', h: '12', i: '::', j: '/path' }],
  ['keys that need quotes', { '@type': 'x', ':path': 'y', 'a b': 1, no: 2 }],
  ['nesting', { a: [{ b: [] }, { c: {} }, ['d', ['e']]] }],
])('%s are YAML for the same value', (_, tree) => {
  expect(parse(text(tree), { version: '1.1' })).toEqual(tree);
});

test('undefined members are left out', () => {
  expect(text({ a: undefined, b: 1, c: undefined })).toBe('{b: 1}');
});

test('an anchored part is written once a document, nested ones too', () => {
  const inner: Tree = { anchor: 'inner', content: [1] };
  const outer: Tree = { anchor: 'outer', content: { x: inner } };
  expect(text({ a: outer, b: inner, c: outer })).toBe('{a: &a {x: &b [1]},b: *b,c: *a}');
});

test('a key that every document repeats is written once, too', () => {
  const written = text([{ port_value: 1 }, { port_value: 2, other: { port_value: 3 } }]);
  expect(written).toBe('[{&a port_value : 1},{*a : 2,other: {*a : 3}}]');
  expect(parse(written)).toEqual([{ port_value: 1 }, { port_value: 2, other: { port_value: 3 } }]);
});

test('every document starts with no anchors written', () => {
  const template = compile({ a: { anchor: 'one', content: 'word' } });
  expect(fill(template, {}, new Map())).toBe('{a: &a word}');
  expect(fill(template, {}, new Map())).toBe('{a: &a word}');
});

test('holes take scalars, compiled parts and list items with their commas', () => {
  const part: Tree = { anchor: 'part', content: { x: { hole: 'deep' } } };
  expect(
    text(
      { a: { hole: 'scalar' }, b: [{ hole: 'before' }, 1, { hole: 'after' }], c: { hole: 'part' }, d: part },
      {
        scalar: '7',
        before: '0,',
        after: (written) => `,${fill(compile(part), { deep: '9' }, written)}`,
        part: compile(part),
        deep: '8',
      },
    ),
  ).toBe('{a: 7,b: [0,1,&a {x: 9}],c: *a,d: *a}');
});

test('a hole that nobody fills is an error', () => {
  expect(() => text({ a: { hole: 'missing' } })).toThrow('missing');
});

test('text of our own keeps the names that Kubernetes is to replace', () => {
  expect(text({ ip: { expandable: '$(POD_IP)' }, own: '$(POD_IP)' })).toBe('{ip: "$(POD_IP)",own: "$$(POD_IP)"}');
  expect(quoted('$(POD_IP)')).toBe('"$(POD_IP)"');
});
