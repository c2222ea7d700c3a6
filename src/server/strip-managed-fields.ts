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

/** Index behind the string whose first character is at `from`, or the length of the body when it does not end. */
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

/** Index of the bracket that closes the list whose first item is at `from`; undefined when there is none. */
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
 * The text of a review without the items of its first `managedFields`: up to half of what an API server sends, nothing
 * that a decision depends on, and the dearest part to parse, because every item is an object with keys of its own
 * (`docs/decisions/managed-fields.md`). undefined when the body is not UTF-8. The body is CONSUMED: its bytes are
 * moved.
 *
 * An unescaped quote behind a comma or a brace opens a key, so the name in an annotation's text is never mistaken.
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
