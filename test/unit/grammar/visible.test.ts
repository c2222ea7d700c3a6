import { describe, expect, test } from '@jest/globals';
import { quote } from '../../../src/grammar/problem.ts';
import { visible, visibleLines } from '../../../src/grammar/visible.ts';

/** Control characters, separators, format characters, lone surrogates, what a display may ignore. */
const hidden = [
  '\0', '\t', '\n', '\r', '\u001b', '\u0007', '\u007f', '\u0080', '\u0085', '\u009b', '\u009f', '\u00ad', '\u034f', '\u061c',
  '\u115f', '\u180e', '\u200b', '\u200d', '\u200e', '\u200f', '\u2028', '\u2029', '\u202a', '\u202e', '\u2060', '\u2066',
  '\u2069', '\u206a', '\u3164', '\ud800', '\udfff', '\ufe0f', '\ufeff', '\ufff9', '\u{1d173}', '\u{e0001}', '\u{e0041}',
]; // prettier-ignore

describe('visible', () => {
  test.each(hidden.map((character) => ({ code: character.codePointAt(0)?.toString(16), character })))(
    'escapes U+$code as JSON does',
    ({ character }) => {
      expect(visible(`a${character}b`)).toMatch(/^a(?:\\[tnrbf]|(?:\\u[\da-f]{4})+)b$/);
      expect(JSON.parse(`"${visible(character)}"`)).toBe(character);
      expect(quote(character)).toBe(`"${visible(character)}"`);
    },
  );

  test('leaves what is seen, in every script', () => {
    const text = 'a "b" \\ é 名前 שם اسم 😀 \u00a0 ~';
    expect(visible(text)).toBe(text);
  });

  test('of lines leaves the line breaks', () => {
    expect(visibleLines('a\u001b\n\u202eb\r\n')).toBe('a\\u001b\n\\u202eb\\r\n');
  });
});

test('quote cuts no character into halves', () => {
  expect(quote(`${'a'.repeat(60)}😀${'b'.repeat(20)}`)).toBe(`"${'a'.repeat(60)}..."`);
});
