import jsonPatch from 'fast-json-patch';
import type { Json } from './json.ts';
import type { Operation } from './operation.ts';

function copyJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Whether an operation changes a value that another operation adds. Then the caller's value must be copied. */
function areNested(operations: readonly Operation[]): boolean {
  return operations.some(({ path }) => operations.some((other) => other.path.startsWith(`${path}/`)));
}

/**
 * Returns a copy of the value with the operations applied in order (RFC 6902). Neither the value nor the operations are
 * changed. Throws if an operation does not fit, or if its path leads through an object's prototype.
 */
export function applyToValue(value: Json, operations: readonly Operation[]): Json {
  let result: unknown = copyJson(value);
  for (const operation of areNested(operations) ? copyJson(operations) : operations) {
    try {
      result = jsonPatch.applyOperation(result, operation as jsonPatch.Operation, true).newDocument;
    } catch (error) {
      throw new Error(`operation ${operation.op} at ${operation.path} does not fit the object`, { cause: error });
    }
  }
  return result as Json;
}
