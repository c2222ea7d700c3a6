import type { Json } from '../../json/json.ts';
import type { Operation } from '../../json/operation.ts';

/**
 * JSON text of a value that many patches contain. It is the same object every time, so that what others make of the text
 * can be remembered by its identity.
 */
export interface KnownText {
  readonly text: string;
}

/** JSON texts of values, by the values' identity. */
export type KnownTexts = ReadonlyMap<object, KnownText>;

/** A patch's JSON text in pieces. Each ends between two tokens, so blanks may be put there. */
export type PatchText = readonly (string | KnownText)[];

function textOf(piece: string | KnownText): string {
  return typeof piece === 'string' ? piece : piece.text;
}

/** The text as a whole. */
export function joinPatch(patch: PatchText): string {
  return patch.map(textOf).join('');
}

/** Length of the whole text, UTF-16 code units. */
export function patchLength(patch: PatchText): number {
  return patch.reduce((length, piece) => length + textOf(piece).length, 0);
}

/** The operations as JSON text, exactly as JSON.stringify would write them, with the known texts set apart. */
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
