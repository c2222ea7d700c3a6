import * as z from 'zod';
import type { JsonObject } from '../../json/json.ts';
import { readRule } from './reading.ts';
import type { Rule } from './rule.ts';

/** Schema of the `spec` of a ReferenceGrant. */
export const referenceGrantSpec = z.strictObject({
  from: z.array(z.strictObject({ group: z.string(), kind: z.string(), namespace: z.string() })),
  to: z.array(z.strictObject({ group: z.string(), kind: z.string(), name: z.string().optional() })),
});

/** The `spec` of a ReferenceGrant. */
export type ReferenceGrant = z.output<typeof referenceGrantSpec>;

/** Reads a ReferenceGrant. */
export function readReferenceGrant(object: JsonObject): Rule<ReferenceGrant> {
  return readRule('ReferenceGrant', object, referenceGrantSpec);
}
