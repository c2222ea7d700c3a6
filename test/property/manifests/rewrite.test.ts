import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { escapeToken, type Operation } from '../../../src/json/operation.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { readManifests } from '../../../src/manifests/manifest.ts';
import { rewriteManifest } from '../../../src/manifests/rewrite.ts';
import { isObject, type Json } from '../../../src/json/json.ts';

/** How a generated document is written. */
interface Style {
  readonly indent: number;
  readonly listIndent: number;
  readonly lineBreak: string;
  readonly ended: boolean;
}

const style: fc.Arbitrary<Style> = fc.record({
  indent: fc.constantFrom(2, 4),
  listIndent: fc.constantFrom(0, 2),
  lineBreak: fc.constantFrom('\n', '\r\n'),
  ended: fc.boolean(),
});

const key = fc.constantFrom('name', 'spec', 'a/b', 'env', 'x~z', 'port', 'no', 'labels');
const leaf: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom('yes', 'plain', 'two words', '15001', 'a: b', '# not', '', 'line\nline\n', "it's"),
  fc.integer({ min: -5, max: 70_000 }),
  fc.boolean(),
  fc.constant(null),
);
const { value } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const root = fc
  .dictionary(key, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true })
  .map((object) => ({ kind: 'Any', ...object }));

/** Prints a value as YAML with numbered comments above, beside and below; the numbers come from `next`. */
function print(of: Json, { indent, listIndent, lineBreak, ended }: Style, next: () => number): string {
  const lines: string[] = [];
  let notes = 0;
  const note = (): string => `# c${++notes}.`;
  const scalar = (one: Json): string => (one === null ? (next() % 2 === 0 ? '' : 'null') : JSON.stringify(one));
  const isFlow = (one: Json): boolean =>
    typeof one !== 'object' || one === null || Object.keys(one).length === 0 || next() % 7 === 0;
  const flow = (one: Json): string => (typeof one === 'object' && one !== null ? JSON.stringify(one) : scalar(one));
  const block = (one: Json, column: number, prefix: string): void => {
    const margin = ' '.repeat(column);
    let start = prefix === '' ? margin : prefix;
    const entries = Array.isArray(one) ? one.map((item: Json) => ['-', item] as const) : Object.entries(one as object);
    for (const [name, inner] of entries as [string, Json][]) {
      if (next() % 5 === 0 && start === margin) lines.push(`${margin}${note()}`);
      if (next() % 9 === 0 && start === margin) lines.push('');
      const head = `${start}${name === '-' ? '-' : `${JSON.stringify(name)}:`}`;
      start = margin;
      const beside = next() % 4 === 0 ? `  ${note()}` : '';
      if (isFlow(inner)) lines.push(`${head} ${flow(inner)}${beside}`.trimEnd());
      else if (name === '-' && !Array.isArray(inner)) block(inner, column + 2, `${head} `);
      else {
        lines.push(`${head}${beside}`);
        const step = name === '-' ? 2 : Array.isArray(inner) ? listIndent : indent;
        block(inner, column + step, '');
        if (next() % 6 === 0) lines.push(`${' '.repeat(column + step)}${note()}`);
      }
    }
  };
  block(of, 0, '');
  return lines.join(lineBreak) + (ended ? lineBreak : '');
}

/** An operation that fits the value, chosen by the numbers. */
function chooseOperation(of: Json, picks: readonly number[], added: Json): Operation | undefined {
  let path = '';
  let at = of;
  for (const pick of picks) {
    if (Array.isArray(at)) {
      const list = at as readonly Json[];
      const index = pick % (list.length + 1);
      const inner = list[index];
      if (index === list.length || pick % 3 === 0) return { op: 'add', path: `${path}/${index}`, value: added };
      if (pick % 3 === 1 || typeof inner !== 'object' || inner === null) {
        return pick % 2 === 0
          ? { op: 'remove', path: `${path}/${index}` }
          : { op: 'replace', path: `${path}/${index}`, value: added };
      }
      path += `/${index}`;
      at = inner;
    } else if (isObject(at)) {
      const keys = Object.keys(at).filter((name) => path !== '' || name !== 'kind');
      const name = keys[pick % (keys.length + 1)];
      if (name === undefined) return { op: 'add', path: `${path}/new`, value: added };
      path += `/${escapeToken(name)}`;
      at = at[name] ?? null;
      if (pick % 5 === 0) return { op: 'remove', path };
    } else {
      break;
    }
  }
  return path === '' ? undefined : { op: 'replace', path, value: added };
}

/** Numbers that follow from a seed (a linear congruential generator), for the choices of the printer. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state >> 12;
  };
}

const operations = fc.array(fc.tuple(fc.array(fc.nat(60), { minLength: 1, maxLength: 5 }), value), {
  minLength: 1,
  maxLength: 4,
});

describe('rewriteManifest', () => {
  test('says what the operations say, in place, and keeps the comments of what stays', () => {
    fc.assert(
      fc.property(root, style, fc.nat(), operations, (object, how, seed, choices) => {
        const text = print(object, how, numbersFrom(seed));
        const [manifest] = readManifests({ name: 'x', text });
        if (manifest === undefined || 'message' in manifest) throw new Error(`not read: ${text}`);
        expect(manifest).toHaveProperty('content.value', object);

        let now: Json = object;
        const chosen: Operation[] = [];
        for (const [picks, added] of choices) {
          const operation = chooseOperation(now, picks, added);
          if (operation === undefined) continue;
          const place = operation.path.lastIndexOf('/');
          const isMember = !/^\/(?:\d+|-)$/.test(operation.path.slice(place));
          // One member for another, as one action of a probe for another, which takes its place.
          const heir: Operation = { op: 'add', path: `${operation.path.slice(0, place)}/heir`, value: added };
          const together =
            operation.op === 'remove' && isMember && picks.length % 2 === 0 ? [operation, heir] : [operation];
          chosen.push(...together);
          now = applyToValue(now, together);
        }
        const rewritten = rewriteManifest(manifest, chosen);
        expect(rewritten.value).toEqual(now);
        expect(rewritten.reprinted).toBe(false);
        const [again] = readManifests({ name: 'x', text: rewritten.text });
        expect(again).toHaveProperty('content.value', now);
        if (how.lineBreak === '\r\n') expect(rewritten.text.replaceAll('\r\n', '')).not.toContain('\n');

        const comments = [...rewritten.text.matchAll(/# c\d+\./g)].map(([comment]) => comment);
        expect(new Set(comments).size).toBe(comments.length);
        if (chosen.every(({ op }) => op === 'add')) {
          for (const [comment] of text.matchAll(/# c\d+\./g)) expect(comments).toContain(comment);
        }
      }),
      { numRuns: 500 },
    );
  });
});
