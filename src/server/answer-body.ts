import type { Answer } from '../admission/answer.ts';
import type { KnownText } from '../injection/patch/patch-text.ts';

/**
 * Three bytes make four characters of base64, so pieces of whole triples can be encoded one by one (RFC 4648, section
 * 4).
 */
function base64Of(text: string): string {
  const blanks = (3 - (Buffer.byteLength(text) % 3)) % 3;
  return Buffer.from(text + ' '.repeat(blanks), 'utf8').toString('base64');
}

/**
 * Makes the bodies of answers. The base64 of a known text is made once and used again from then on; it is
 * forgotten together with the text.
 */
export function createAnswerEncoder(): (answer: Answer) => string {
  const remembered = new WeakMap<KnownText, string>();
  const encode = (piece: string | KnownText): string => {
    if (typeof piece === 'string') return base64Of(piece);
    const known = remembered.get(piece) ?? base64Of(piece.text);
    remembered.set(piece, known);
    return known;
  };
  return ({ before, patch, after }) => {
    let body = before;
    for (const piece of patch) body += encode(piece);
    return body + after;
  };
}
