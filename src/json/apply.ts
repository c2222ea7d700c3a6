import type { Operation } from './operation.ts';
import { isObject, member, type Json, type JsonObject } from './json.ts';
import { listIndex, pointerTokens, wantsList } from './pointer.ts';

type MutableObject = Record<string, Json>;

function misfit(operation: Operation): Error {
  return new Error(`operation ${operation.op} at ${operation.path} does not fit the object`);
}

function copyJson(value: Json): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

/** Sets an own member, even one named `__proto__`. */
function setMember(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

function emptyParent(next: string): Json {
  return wantsList(next) ? [] : {};
}

/** Returns the list or object that the token leads to. One that is absent or null is created, except for a removal. */
function descend(parent: Json, token: string, next: string, operation: Operation): Json {
  if (Array.isArray(parent)) {
    const index = listIndex(token, parent.length);
    const child: unknown = index === undefined ? undefined : parent[index];
    if (typeof child !== 'object' || child === null) throw misfit(operation);
    return child as Json;
  }
  if (!isObject(parent)) throw misfit(operation);
  const child = member(parent, token);
  if (child !== undefined && child !== null) return child;
  if (operation.op === 'remove') throw misfit(operation);
  const made = emptyParent(next);
  setMember(parent, token, made);
  return made;
}

/**
 * Returns whether a later operation changes the value that this one adds. If so, the value is copied first, because the
 * caller owns it.
 */
function isChangedLater(operation: Operation, operations: readonly Operation[]): boolean {
  return operations.some((other) => other.path.startsWith(`${operation.path}/`));
}

function applyOne(root: Json, operation: Operation, shared: boolean): void {
  const tokens = pointerTokens(operation.path);
  const last = tokens.pop();
  const brought = operation.op === 'remove' ? null : shared ? copyJson(operation.value) : operation.value;
  if (last === undefined) throw misfit(operation);
  let parent = root;
  tokens.forEach((token, depth) => {
    parent = descend(parent, token, tokens[depth + 1] ?? last, operation);
  });
  if (Array.isArray(parent)) {
    const list = parent as Json[];
    const index = listIndex(last, list.length);
    if (index === undefined || (operation.op !== 'add' && index === list.length)) throw misfit(operation);
    if (operation.op === 'remove') list.splice(index, 1);
    else list.splice(index, operation.op === 'add' ? 0 : 1, brought);
  } else if (!isObject(parent)) {
    throw misfit(operation);
  } else if (operation.op !== 'remove') {
    setMember(parent, last, brought);
  } else if (Object.hasOwn(parent, last)) {
    delete (parent as MutableObject)[last];
  } else {
    throw misfit(operation);
  }
}

/**
 * Returns a copy of the value with the operations applied in order. Missing or null parents are created.
 *
 * @throws Error if an operation does not fit the value
 */
export function applyToValue(value: Json, operations: readonly Operation[]): Json {
  const copy = copyJson(value);
  for (const operation of operations) applyOne(copy, operation, isChangedLater(operation, operations));
  return copy;
}
