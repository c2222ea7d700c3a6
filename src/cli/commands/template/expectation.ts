import { mergeKeyOf } from '../../../json/overlay.ts';
import { isObject, member, type Json } from '../../../json/json.ts';

function text(value: Json | undefined): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

function listDifferences(expected: readonly Json[], actual: readonly Json[], where: string, key: string): string[] {
  return expected.flatMap((item): string[] => {
    const name = isObject(item) ? member(item, key) : undefined;
    if (name === undefined) return [`${where}: ${text(item)} has no ${key} to be found by`];
    const found = actual.find((candidate) => isObject(candidate) && member(candidate, key) === name);
    return found === undefined
      ? [`${where}: nothing there has the ${key} ${text(name)}`]
      : differences(item, found, `${where}[${typeof name === 'string' ? name : text(name)}]`);
  });
}

/**
 * Compares a value with an expectation and returns the differences. Members that the expectation does not name may have
 * any value, null means absent, items of keyed lists are matched by their keys, and all other values must be equal.
 */
export function differences(expected: Json, actual: Json | undefined, where: string): string[] {
  if (isObject(expected)) {
    if (!isObject(actual)) return [`${where}: expected an object, found ${text(actual)}`];
    return Object.keys(expected).flatMap((name): string[] => {
      const wanted = member(expected, name) ?? null;
      const found = member(actual, name);
      const at = where === '' ? name : `${where}.${name}`;
      if (wanted === null) return found === undefined ? [] : [`${at}: expected nothing, found ${text(found)}`];
      const key = mergeKeyOf(name);
      if (key !== undefined && Array.isArray(wanted) && Array.isArray(found)) {
        return listDifferences(wanted as readonly Json[], found as readonly Json[], at, key);
      }
      return differences(wanted, found, at);
    });
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) {
      return [`${where}: expected ${text(expected)}, found ${text(actual)}`];
    }
    return expected.flatMap((item: Json, index) =>
      differences(item, (actual as readonly Json[])[index], `${where}[${index}]`),
    );
  }
  return expected === actual ? [] : [`${where}: expected ${text(expected)}, found ${text(actual)}`];
}
