import * as z from 'zod';
import type { JsonObject } from '../../json/json.ts';
import { readRule } from './reading.ts';
import type { Rule } from './rule.ts';

const spec = z.strictObject({
  host: z.string(),
  exportTo: z.array(z.string()).optional(),
  trafficPolicy: z.looseObject({}).optional(),
  subsets: z.array(z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()).optional() })).optional(),
});

/** The `spec` of a DestinationRule. */
export type DestinationRule = z.output<typeof spec>;

/** Reads a DestinationRule. */
export function readDestinationRule(object: JsonObject): Rule<DestinationRule> {
  return readRule('DestinationRule', object, spec);
}
