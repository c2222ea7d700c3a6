import { Buffer } from 'node:buffer';
import { expect, test } from '@jest/globals';
import { joinPatch, type PatchText } from '../../../src/injection/patch/patch-text.ts';
import { createAnswerEncoder } from '../../../src/server/answer-body.ts';

function decoded(body: string): unknown {
  const { patch } = JSON.parse(body) as { patch: string };
  return JSON.parse(Buffer.from(patch, 'base64').toString('utf8'));
}

/** Pieces of every length modulo three, in bytes and in characters. */
const patches: readonly PatchText[] = ['', 'x', 'xy', 'é', '😀', 'é😀z'].flatMap((first) =>
  ['', 'k', 'kn', 'ü'].map((second): PatchText => [
    `[${JSON.stringify(first)},`,
    { text: JSON.stringify(second) },
    ',',
    { text: '{"é":["\\ud83d",1]}' },
    ']',
  ]),
);

test('the patch is the base64 of the pieces, wherever they are cut, the first time and later', () => {
  const encode = createAnswerEncoder();
  for (const patch of patches) {
    for (let time = 0; time < 2; time++) {
      const body = encode({ before: '{"patch":"', patch, after: '","warnings":["é"]}' });
      expect(decoded(body)).toEqual(JSON.parse(joinPatch(patch)));
      expect(JSON.parse(body)).toMatchObject({ warnings: ['é'] });
    }
  }
});

test('an answer without a patch is its two ends', () => {
  expect(createAnswerEncoder()({ before: '{"a":1', patch: [], after: '}' })).toBe('{"a":1}');
});
