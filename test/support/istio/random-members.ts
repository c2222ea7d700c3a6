import type { JsonObject } from '../../../src/json/json.ts';
import * as fc from '../fast-check.ts';

/** Members of which each may be missing. */
export function some(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<JsonObject> {
  return fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<unknown> as fc.Arbitrary<JsonObject>;
}

/** Members of which some are there. */
export function few(
  least: number,
  most: number,
  fields: Readonly<Record<string, fc.Arbitrary<unknown>>>,
): fc.Arbitrary<JsonObject> {
  return fc
    .subarray(Object.keys(fields), { minLength: least, maxLength: most })
    .chain((names) =>
      fc.record(Object.fromEntries(names.map((name) => [name, fields[name] as fc.Arbitrary<unknown>]))),
    ) as fc.Arbitrary<unknown> as fc.Arbitrary<JsonObject>;
}
