import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { readManifests } from '../../../src/manifests/manifest.ts';
import { splitStream } from '../../../src/yaml/stream.ts';

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const blank = fc.constantFrom('', '  ', '\t');
const comment = fc
  .tuple(fc.constantFrom('', '  '), fc.string({ unit: 'grapheme', maxLength: 12 }))
  .map(([indent, text]) => `${indent}# ${text.replaceAll(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, '')}`);
const scalar = fc.oneof(
  word,
  fc.constantFrom('yes', '0644', '~', '""', "'it''s'", '"a\\n---\\nb"', '12:30', '2020-01-01', '{a: [1, "}"]}', '[]'),
);

/** Lines of one document: a map with scalars, nested lists and block scalars, comments and blank lines in between. */
const entry = fc.oneof(
  fc.tuple(word, scalar, fc.constantFrom('', '   # beside')).map(([key, value, tail]) => [`${key}: ${value}${tail}`]),
  fc
    .tuple(word, fc.array(scalar, { minLength: 1, maxLength: 3 }))
    .map(([key, items]) => [`${key}:`, ...items.map((item) => `- ${item}`)]),
  fc.tuple(word, word).map(([key, text]) => [`${key}: |`, `  ${text}`, '', '  ---', '  # no comment']),
  fc.tuple(word, word, scalar).map(([key, inner, value]) => [`${key}:`, `    ${inner}: ${value}`]),
  comment.map((text) => [text]),
  blank.map((text) => [text.replace('\t', '')]),
);
const yamlDocument = fc.array(entry, { maxLength: 8 }).map((entries) => {
  const seen = new Set<string>();
  return entries
    .filter(([first = '']) => {
      const key = /^([a-z0-9-]+):/.exec(first)?.[1];
      if (key === undefined || !seen.has(key)) return seen.add(key ?? '') !== undefined;
      return false;
    })
    .flat();
});
const jsonDocument = fc
  .record({ kind: word, text: fc.string() })
  .map((value) => JSON.stringify(value, null, 2).split('\n'));
const separator = fc.constantFrom(
  ['---'],
  ['--- # next'],
  ['---', '---'],
  ['...', '---'],
  ['---', '', '# nothing', '---'],
);

const stream = fc
  .record({
    mark: fc.constantFrom('', '\uFEFF'),
    leading: fc.boolean(),
    documents: fc.array(fc.tuple(fc.oneof({ weight: 4, arbitrary: yamlDocument }, jsonDocument), separator), {
      maxLength: 5,
    }),
    trailing: fc.boolean(),
    lineBreak: fc.constantFrom('\n', '\r\n'),
    ended: fc.boolean(),
  })
  .map(({ mark, leading, documents, trailing, lineBreak, ended }) => {
    const lines = leading ? ['---'] : [];
    documents.forEach(([document, next], index) => {
      lines.push(...document);
      if (trailing || index < documents.length - 1) lines.push(...next);
    });
    return mark + lines.join(lineBreak) + (ended && lines.length > 0 ? lineBreak : '');
  });

describe('a stream of documents', () => {
  test('is read without a problem and put together again byte for byte', () => {
    fc.assert(
      fc.property(stream, (text) => {
        const texts = [...readManifests({ name: 'stream', text })].map((one) => {
          if ('message' in one) throw new Error(`${one.where}: ${one.message}`);
          return one.text;
        });
        expect(texts.join('')).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test('is cut without losing a byte, whatever it says', () => {
    const part = fc.oneof(
      fc.string(),
      fc.constantFrom('---\n', '...\n', '\r\n', '%YAML 1.1\n', '{"a":1}', '\uFEFF', '# x\n'),
    );
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const text = parts.join('');
        const chunks = splitStream(text);
        expect(chunks.map((chunk) => chunk.text).join('')).toBe(text);
      }),
      { numRuns: 500 },
    );
  });
});
