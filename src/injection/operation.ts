import type { Json } from '../settings/json.ts';

/** One JSON Patch operation (RFC 6902, section 4), of the three kinds that the injector writes. */
export type Operation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: Json }
  | { readonly op: 'remove'; readonly path: string };

/** Escapes one reference token of a JSON Pointer (RFC 6901, section 3). */
export function escapeToken(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** JSON texts of values, by identity; what is not there is written anew. */
export type KnownTexts = ReadonlyMap<object, string>;

function writeValue(value: Json, known: KnownTexts): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const text = known.get(value);
  if (text !== undefined) return text;
  if (!Array.isArray(value)) return JSON.stringify(value);
  return `[${(value as readonly Json[]).map((item) => writeValue(item, known)).join(',')}]`;
}

/** The operations as JSON text, exactly as JSON.stringify would write them. */
export function writeOperations(operations: readonly Operation[], known: KnownTexts): string {
  const texts = operations.map((operation) => {
    const head = `{"op":"${operation.op}","path":${JSON.stringify(operation.path)}`;
    return operation.op === 'remove' ? `${head}}` : `${head},"value":${writeValue(operation.value, known)}}`;
  });
  return `[${texts.join(',')}]`;
}
