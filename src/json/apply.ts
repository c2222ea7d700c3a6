import jsonPatch from 'fast-json-patch';
import type { Json } from './json.ts';
import type { Operation } from './operation.ts';
import { pointerTokens } from './pointer.ts';

type Node = Record<string, unknown> | unknown[];

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** Copies a node, unless it is a copy already. */
function own(node: Node, copies: Set<Node>): Node {
  if (copies.has(node)) return node;
  const copy = Array.isArray(node) ? [...node] : { ...node };
  copies.add(copy);
  return copy;
}

/** Copies what lies on the way to a path, as far as it is there, and nothing beside it. */
function unshare(value: unknown, path: string, copies: Set<Node>): unknown {
  if (!isNode(value)) return value;
  const root = own(value, copies);
  let node = root;
  for (const token of pointerTokens(path).slice(0, -1)) {
    // What leads through a prototype is refused where the operation is applied.
    const below: unknown = token !== '__proto__' && Object.hasOwn(node, token) ? Reflect.get(node, token) : undefined;
    if (!isNode(below)) break;
    const copy = own(below, copies);
    Reflect.set(node, token, copy);
    node = copy;
  }
  return root;
}

/**
 * Returns the value with the operations applied in order (RFC 6902), which shares with it, and with the operations, all that no
 * operation changes: for those who only read it. Neither the value nor the operations are changed. Throws if an operation does
 * not fit, or if its path leads through an object's prototype.
 */
export function applyShared(value: Json, operations: readonly Operation[]): Json {
  const copies = new Set<Node>();
  let result: unknown = value;
  for (const operation of operations) {
    result = unshare(result, operation.path, copies);
    try {
      result = jsonPatch.applyOperation(result, operation as jsonPatch.Operation, true).newDocument;
    } catch (error) {
      throw new Error(`operation ${operation.op} at ${operation.path} does not fit the object`, { cause: error });
    }
  }
  return result as Json;
}

/** The same of a copy of the value, for those who change the result. */
export function applyToValue(value: Json, operations: readonly Operation[]): Json {
  return applyShared(JSON.parse(JSON.stringify(value)) as Json, operations);
}
