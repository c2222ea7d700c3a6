import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { parse } from 'yaml';
import { bootstrapWriter, escapeExpansion } from '../../../src/envoy/bootstrap-text.ts';
import { unknownPod } from '../../../src/envoy/self.ts';
import type { Json, JsonObject } from '../../../src/json/json.ts';
import { expandLikeKubelet } from '../../support/models/kubelet-expansion.ts';

const write = bootstrapWriter();
const pod = { POD_IP: '10.0.0.1', POD_NAME: 'web-1', POD_NAMESPACE: 'shop' };

/** What Envoy reads: Kubernetes has expanded the argument before. */
function read(text: string): unknown {
  return parse(expandLikeKubelet(text, pod), { version: '1.1', maxAliasCount: -1 });
}

const awkward = [
  '',
  'plain',
  'true',
  'no',
  'null',
  'inf',
  'NaN',
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
  'ünïcödé \u2028 \u0085 \u00a0 \ufeff \u{1F600}',
  '\u0000\u007f',
];

describe('text', () => {
  test.each(awkward.map((one) => [one]))('%j reaches Envoy as it was written, as value and as key', (original) => {
    expect(read(write({ list: [original], [`k${original}`]: 1 }))).toEqual({ list: [original], [`k${original}`]: 1 });
  });

  test.each(['\u0085', '\u00a0', '\u2028', '\u2029', '\ufeff', '\u007f', '\u009f'])(
    '%j stands escaped',
    (character) => {
      expect(write({ a: `x${character}` })).toBe(`{a: "x\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}"}`);
    },
  );

  test.each(['yes', 'On', 'TRUE', 'y', 'Null', 'infinity', 'nan'])('%s stands in quotes', (word) => {
    expect(write({ a: word })).toBe(`{a: "${word}"}`);
  });

  test('a lone surrogate, which is no text, becomes the replacement character', () => {
    expect(read(write({ a: 'a\ud800b' }))).toEqual({ a: 'a\ufffdb' });
  });

  test('escaping doubles every dollar', () => {
    expect(escapeExpansion('$(A) $$ $')).toBe('$$(A) $$$$ $$');
  });

  test('only the marks of the pod are left for Kubernetes to fill in', () => {
    const { address, name, namespace } = unknownPod;
    const text = write({ id: `$(POD_IP)~${address}~${name}.${namespace}$` });
    expect(text).toBe('{id: "$$(POD_IP)~$(POD_IP)~$(POD_NAME).$(POD_NAMESPACE)$$"}');
    expect(read(text)).toEqual({ id: '$(POD_IP)~10.0.0.1~web-1.shop$' });
    expect(write({ id: '\ud800SECRET\udc00' })).not.toContain('$(');
  });
});

test.each<[string, JsonObject]>([
  [
    'scalars',
    { a: 1, b: true, c: null, d: 'word', e: '0.5s', f: 'yes', g: 'On', h: '12', i: '::', j: '/path', k: 0.25 },
  ],
  ['keys that need quotes', { '@type': 'x', ':path': 'y', 'a b': 1, no: 2 }],
  ['nesting', { a: [{ b: [] }, { c: {} }, ['d', ['e']]] }],
])('%s are YAML for the same value', (_, value) => {
  expect(read(write(value))).toEqual(value);
});

describe('any value', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom(...awkward, 'long_enough_to_repeat'));
  const { value } = fc.letrec<{ value: Json; leaf: Json }>((tie) => ({
    leaf: fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)),
    value: fc.oneof(
      { depthSize: 'small' },
      tie('leaf'),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(
        text.filter((key) => key !== '__proto__' && key !== '<<'),
        tie('value'),
        { maxKeys: 4 },
      ),
    ),
  }));
  const documentOf = (some: Json): JsonObject => ({ one: some, two: [some, { some }] });

  test('comes back, whatever is repeated in it', () => {
    fc.assert(
      fc.property(value, (some) => {
        const document = documentOf(some);
        const used = bootstrapWriter([{ known: some }]);
        expect(read(write(document))).toEqual(document);
        expect(used(document)).toBe(write(document));
      }),
      { numRuns: 500 },
    );
  });

  test('is written alike, whatever stands in its place in the documents that are known', () => {
    fc.assert(
      fc.property(value, value, (some, other) => {
        const used = bootstrapWriter([documentOf(other), documentOf([some, other])]);
        expect(used(documentOf(some))).toBe(write(documentOf(some)));
        expect(used(documentOf([other, some]))).toBe(write(documentOf([other, some])));
      }),
      { numRuns: 500 },
    );
  });
});

describe('what occurs several times', () => {
  const part = { some_long_key: ['some long text', 1] };

  test('is written once, the largest part that is the same', () => {
    expect(write({ a: { x: part }, b: { x: { ...part } }, c: part })).toBe(
      '{a: &a {x: &b {some_long_key: ["some long text",1]}},b: *a,c: *b}',
    );
  });

  test('is written once as a key, too', () => {
    const text = write({ a: [{ a_very_long_key: 1 }, { a_very_long_key: 2 }] });
    expect(text).toBe('{a: [{&a a_very_long_key : 1},{*a : 2}]}');
    expect(read(text)).toEqual({ a: [{ a_very_long_key: 1 }, { a_very_long_key: 2 }] });
  });

  test('is repeated where an anchor would be longer', () => {
    expect(write({ a: ['x', 'x', 1, 1], b: ['x', 'x', 1, 1] })).toBe('{a: &a [x,x,1,1],b: *a}');
    expect(write({ a: [1], b: [1] })).toBe('{a: [1],b: [1]}');
  });

  test('leaves nothing behind in the writer', () => {
    const document = { a: part, b: part };
    const first = write(document);
    write({ c: [part, part] });
    expect(write(document)).toBe(first);
  });
});

test('undefined members are left out', () => {
  expect(write({ a: undefined, b: 1, c: undefined, d: { e: undefined } })).toBe('{b: 1,d: {}}');
});
