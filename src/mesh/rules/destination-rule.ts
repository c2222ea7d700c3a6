import * as z from 'zod';
import type { JsonObject } from '../../json/json.ts';
import { checkPolicies } from './istio/policy-checks.ts';
import { policyFields } from './istio/traffic-policy.ts';
import { anyHost, exportTo } from './istio/values.ts';
import { readRule, refused } from './reading.ts';
import type { Rule } from './rule.ts';

/** Schema of the `spec` of a DestinationRule. */
export const destinationRuleSpec = z.strictObject({
  host: anyHost.describe(
    "A Service: its name, in the object's namespace, its full name, or `*.` and the end of full names.",
  ),
  ...policyFields,
  exportTo: exportTo.optional().describe('Namespaces of clients that the object counts for. Default: all.'),
  workloadSelector: refused('the object counts for all clients; leave it out'),
});

/** The `spec` of a DestinationRule. */
export type DestinationRule = z.output<typeof destinationRuleSpec>;

/** Reads a DestinationRule. */
export function readDestinationRule(object: JsonObject): Rule<DestinationRule> {
  return readRule('DestinationRule', object, destinationRuleSpec, checkPolicies);
}
