import * as fc from 'fast-check';

/** What a terminal or a reader must never get from a text of a user, but line breaks at the end of lines. */
export const hiddenCharacters = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const nasty = fc.constantFrom(
  ...'\0\t\n\r\x07\x08\x1b\x7f\x80\x85\x9b\u00ad\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202e\u2066\u2069\ufeff\ufff9'.split(
    '',
  ),
  '\ud800',
  '\udc00',
  '\u{e0001}',
  '\r\nerror: forged',
  '\x1b]0;title\x07',
  ' ',
  '{{',
  '\\',
  '"',
);

/** Texts with characters that are not seen. */
export const hiddenText: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', 'a', 'web', '8080', 'true'),
    fc.array(fc.oneof(nasty, fc.string({ unit: 'binary', minLength: 1, maxLength: 3 })), {
      minLength: 1,
      maxLength: 4,
    }),
    fc.constantFrom('', 'b', 'x'.repeat(70)),
  )
  .map(([before, parts, after]) => before + parts.join('') + after);
