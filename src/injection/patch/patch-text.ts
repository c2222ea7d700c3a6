import type { Json } from '../../json/json.ts';
import type { Operation } from '../../json/operation.ts';

/**
 * JSON text of a value that many patches contain. It is the same object each time, so that results derived from the
 * text can be remembered by its identity.
 */
export interface KnownText {
  readonly text: string;
}

/** JSON texts of values, by identity of the value. */
export type KnownTexts = ReadonlyMap<object, KnownText>;

/** JSON text of a patch in pieces. Each piece ends between two tokens, where blanks may be inserted. */
export type PatchText = readonly (string | KnownText)[];

function textOf(piece: string | KnownText): string {
  return typeof piece === 'string' ? piece : piece.text;
}

/** Returns the whole text. */
export function joinPatch(patch: PatchText): string {
  return patch.map(textOf).join('');
}

/** Returns the length of the whole text in UTF-16 code units. */
export function patchLength(patch: PatchText): number {
  return patch.reduce((length, piece) => length + textOf(piece).length, 0);
}

/** Writes the operations as JSON text, exactly as JSON.stringify would, with known texts as pieces of their own. */
export function writePatchText(operations: readonly Operation[], known: KnownTexts): PatchText {
  const pieces: (string | KnownText)[] = [];
  let pending = '';
  const writeValue = (value: Json): void => {
    const text = typeof value === 'object' && value !== null ? known.get(value) : undefined;
    if (text !== undefined) {
      pieces.push(pending, text);
      pending = '';
    } else if (Array.isArray(value)) {
      let separator = '[';
      for (const item of value as readonly Json[]) {
        pending += separator;
        separator = ',';
        writeValue(item);
      }
      pending += separator === '[' ? '[]' : ']';
    } else {
      pending += JSON.stringify(value);
    }
  };
  let separator = '[';
  for (const operation of operations) {
    pending += `${separator}{"op":"${operation.op}","path":${JSON.stringify(operation.path)}`;
    separator = ',';
    if (operation.op !== 'remove') {
      pending += ',"value":';
      writeValue(operation.value);
    }
    pending += '}';
  }
  pieces.push(`${pending}]`);
  return pieces;
}
