import { isObject, member, type Json, type JsonObject } from './json.ts';
import { pointerTokens } from './pointer.ts';

function childOf(parent: Json | undefined, token: string): Json | undefined {
  if (Array.isArray(parent)) return /^\d+$/.test(token) ? (parent as readonly Json[])[Number(token)] : undefined;
  return isObject(parent) ? member(parent, token) : undefined;
}

/** Returns the value at the JSON Pointer, or undefined if the pointer leads nowhere. */
export function fieldAt(root: Json, pointer: string): Json | undefined {
  return pointerTokens(pointer).reduce<Json | undefined>(childOf, root);
}

function replaced(parent: Json, tokens: readonly string[], value: Json): Json {
  const [token, ...rest] = tokens;
  if (token === undefined) return value;
  const child = replaced(childOf(parent, token) ?? {}, rest, value);
  if (Array.isArray(parent)) return (parent as readonly Json[]).with(Number(token), child);
  return { ...(isObject(parent) ? parent : {}), [token]: child };
}

/** Returns a copy of the object with the value at the JSON Pointer replaced. All other values are shared. */
export function withField(root: JsonObject, pointer: string, value: Json): JsonObject {
  return replaced(root, pointerTokens(pointer), value) as JsonObject;
}
