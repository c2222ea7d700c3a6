import * as fc from 'fast-check';
import { isObject, type Json, type JsonObject } from '../../../src/json/json.ts';

/** Keys and texts that careless code takes for something else. */
const oddTexts = [
  '',
  ' ',
  '__proto__',
  'constructor',
  'toString',
  'a/b~c',
  '~1',
  '$(POD_IP)',
  '$$(X)',
  '../../etc',
  '/var/run/secrets',
  '\u0000',
  '\u001b[31m',
  '\u0085\u2028\u202e',
  '\ud800',
  '\u{1f600}',
  'istio-proxy',
  'istio-init',
  'true',
  'null',
  'NaN',
  '1e400',
  '0x10',
  '-1',
  '65536',
  '9'.repeat(40),
  '-'.repeat(2_000),
  'a'.repeat(20_000),
  '{"a":{"b":[]}}',
  '[[[[{}]]]]',
  '*',
  'a: &x [*x]',
  '%REQ(X)%',
  '"\\',
] as const;

export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...oddTexts),
  fc.string({ maxLength: 20 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

function nest(depth: number, isList: boolean): Json {
  let value: Json = 1;
  for (let level = 0; level < depth; level++) value = isList ? [value] : { a: value };
  return value;
}

const scalar: fc.Arbitrary<Json> = fc.oneof(
  oddText,
  fc.constantFrom<Json>(null, true, false, 0, -1, 1, 1.5, 80, 1337, 15_001, 65_536, 2 ** 53, -0.5, 1e300),
);

/** An object with own keys of any name, as JSON.parse makes it. */
function objectOf(value: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> {
  return fc.array(fc.tuple(oddText, value), { maxLength: 3 }).map((entries) => Object.fromEntries(entries));
}

/** Any JSON: wrong types, odd keys, deep and long values. */
const oddJson: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { arbitrary: scalar, weight: 6 },
    { arbitrary: fc.array(tie('value'), { maxLength: 3 }), weight: 2 },
    { arbitrary: objectOf(tie('value')), weight: 2 },
    {
      arbitrary: fc.tuple(fc.constantFrom(10, 100, 1_000), fc.boolean()).map(([depth, isList]) => nest(depth, isList)),
      weight: 1,
    },
    {
      arbitrary: fc
        .tuple(fc.constantFrom(20, 500), scalar)
        .map(([times, one]) => Array.from({ length: times }, () => one)),
      weight: 1,
    },
  ),
})).value;

/** One change of a value: where (a number for each level), and what. */
interface Change {
  readonly way: readonly number[];
  readonly kind: 'replace' | 'remove' | 'repeat' | 'add' | 'move';
  readonly key: string;
  readonly value: Json;
}

const change: fc.Arbitrary<Change> = fc.record({
  way: fc.array(fc.nat(40), { minLength: 1, maxLength: 8 }),
  kind: fc.constantFrom('replace', 'replace', 'remove', 'repeat', 'add', 'move'),
  key: oddText,
  value: oddJson,
});

function applyChange(value: Json, [step, ...way]: readonly number[], one: Change): Json {
  const isList = Array.isArray(value);
  if (step === undefined || (!isList && !isObject(value))) return one.value;
  const entries: readonly (readonly [string, Json])[] = isList
    ? (value as readonly Json[]).map((item, at) => [String(at), item] as const)
    : Object.entries(value).map(([key, inner]) => [key, inner ?? null] as const);
  const at = entries.length === 0 ? 0 : step % entries.length;
  const changed = entries.flatMap((entry, index): readonly (readonly [string, Json])[] => {
    if (index !== at) return [entry];
    const [key, inner] = entry;
    if (way.length > 0 && typeof inner === 'object' && inner !== null) return [[key, applyChange(inner, way, one)]];
    if (one.kind === 'remove') return [];
    if (one.kind === 'repeat') return [entry, [one.key, inner]];
    if (one.kind === 'move') return [[one.key, inner]];
    if (one.kind === 'add') return [entry, [one.key, one.value]];
    return [[key, one.value]];
  });
  if (entries.length === 0) return isList ? [one.value] : Object.fromEntries([[one.key, one.value]]);
  return isList ? changed.map(([, item]) => item) : Object.fromEntries(changed);
}

/** The value with up to four members replaced, removed, repeated, renamed or added anywhere in it. */
export function changedJson(base: fc.Arbitrary<Json>): fc.Arbitrary<Json> {
  return fc
    .tuple(base, fc.array(change, { minLength: 0, maxLength: 4 }))
    .map(([value, changes]) => changes.reduce((now: Json, one) => applyChange(now, one.way, one), value));
}

/** A text with pieces of it removed, doubled, exchanged or put in. */
export function changedText(base: fc.Arbitrary<string>, pieces: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const splice = fc.tuple(fc.nat(10_000), fc.nat(12), pieces);
  return fc.tuple(base, fc.array(splice, { maxLength: 4 })).map(([text, splices]) =>
    splices.reduce((now, [at, length, piece]) => {
      const from = now.length === 0 ? 0 : at % (now.length + 1);
      return now.slice(0, from) + piece + now.slice(from + length);
    }, text),
  );
}
