import type { Answer } from '../admission/answer.ts';
import type { KnownText } from '../injection/patch/patch-text.ts';

/**
 * Encodes the text, padded with blanks to a multiple of 3 bytes, so that encoded pieces can be concatenated (RFC 4648
 * section 4).
 */
function base64Of(text: string): string {
  const blanks = (3 - (Buffer.byteLength(text) % 3)) % 3;
  return Buffer.from(text + ' '.repeat(blanks), 'utf8').toString('base64');
}

/**
 * Creates a function that writes an answer as the body of a response. The base64 of a known text is cached as long as
 * the text itself exists.
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
