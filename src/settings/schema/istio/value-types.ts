import * as z from 'zod';
import { wordsOf } from '../../../grammar/words.ts';

/** A string that users may write as a number, such as a tag. */
export const text = z.union([z.string(), z.number()]).transform(String);

/** The value of an environment variable, which YAML may parse as a number or boolean. */
export const variable = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** An integer, or a string of digits as `--set` and other tools write it. */
export const whole = z.union([
  z.number().int(),
  z
    .string()
    .regex(/^\d{1,10}$/, 'allowed: a whole number')
    .transform(Number),
]);

export const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((word) => word === 'true')]);

/** A Kubernetes object that is passed on unchecked. */
export const json = z.record(z.string(), z.unknown());

/**
 * Keys, separated by white space, that are accepted with any value: Istio's charts or agent read them, but they do not
 * affect injected pods. They are no part of the type, so that nobody reads them here.
 */
export function unread(keys: string): object {
  return Object.fromEntries(wordsOf(keys).map((key) => [key, z.unknown().optional()]));
}

type Plain = Readonly<Record<string, unknown>>;

export function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Merges the second into the first as Helm does: maps are merged, other values replaced, and null removes. */
export function mergeValues(base: unknown, over: unknown): unknown {
  if (over === undefined) return base;
  if (!isPlain(base) || !isPlain(over)) return isPlain(over) ? mergeValues({}, over) : over;
  const merged = new Map(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergeValues(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}
