import { runInNewContext } from 'node:vm';
import { expect } from '@jest/globals';

const names = ['Object', 'Array', 'String', 'Number', 'Boolean', 'Function'] as const;

const membersOf = `Object.fromEntries(${JSON.stringify(names)}.map((name) => [name, Object.getOwnPropertyNames(globalThis[name].prototype).sort().join()]))`;

/** As they are where nothing has run yet; symbols are the test runner's, no input can name one. */
const before = { ...(runInNewContext(membersOf) as object) };

const shared = { Object, Array, String, Number, Boolean, Function };

/** What all objects share is as it was: no input may add to it. */
export function expectUntouchedPrototypes(): void {
  const now = names.map((name) => [name, Object.getOwnPropertyNames(shared[name].prototype).toSorted().join()]);
  expect(Object.fromEntries(now)).toEqual(before);
}
