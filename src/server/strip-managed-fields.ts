import { isUtf8 } from 'node:buffer';

const name = '"managedFields":[';
const key = Buffer.from(name, 'latin1');

const quote = 0x22;
const comma = 0x2c;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/** Index after the string whose first character is at `from`, or the length of the body if the string does not end. */
function skipString(body: Buffer, from: number): number {
  const { length } = body;
  let index = from;
  while (index < length) {
    const byte = body[index++];
    if (byte === quote) return index;
    if (byte === backslash) index += 1;
  }
  return length;
}

/** Index of the bracket that closes the list whose first item is at `from`; undefined if there is none. */
function endOfList(body: Buffer, from: number): number | undefined {
  const { length } = body;
  let depth = 1;
  let index = from;
  while (index < length) {
    const byte = body[index++];
    if (byte === quote) {
      index = skipString(body, index);
    } else if (byte === openBracket || byte === openBrace) {
      depth += 1;
    } else if (byte === closeBracket || byte === closeBrace) {
      depth -= 1;
      if (depth === 0) return index - 1;
    }
  }
  return undefined;
}

/**
 * Decodes the body of a review without the items of its first `managedFields`. They are up to half of the bytes, no
 * decision depends on them, and they are expensive to parse, because every item is an object with unique keys
 * (`docs/decisions/managed-fields.md`). Undefined if the body is not UTF-8. Consumes `body`: its bytes are moved in
 * place.
 *
 * An unescaped quote after a comma or a brace always starts a key, so the same word inside an annotation never matches.
 */
export function stripManagedFields(body: Buffer): string | undefined {
  if (!isUtf8(body)) return undefined;
  const at = body.indexOf(key);
  if (at < 1 || (body[at - 1] !== comma && body[at - 1] !== openBrace)) return body.toString('utf8');
  const start = at + key.length;
  const end = endOfList(body, start);
  if (end === undefined) return body.toString('utf8');
  body.copyWithin(start, end);
  return body.toString('utf8', 0, body.length - (end - start));
}
