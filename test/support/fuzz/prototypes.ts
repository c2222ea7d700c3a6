import { expect } from '@jest/globals';

const shared = {
  Object: Object.prototype,
  Array: Array.prototype,
  String: String.prototype,
  Function: Function.prototype,
};

function members(): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(shared).map(([name, prototype]) => [name, Reflect.ownKeys(prototype).map(String).toSorted()]),
  );
}

const before = members();

/** What all objects share is as it was: no input may add to it. */
export function expectUntouchedPrototypes(): void {
  expect(members()).toEqual(before);
}
