import * as z from 'zod';
import type { JsonObject } from '../../../json/json.ts';
import { readClosed, type ClosedRule } from './closed-reading.ts';
import { workloadSelector } from './selector.ts';

/** Schema of the `spec` of an AuthorizationPolicy. */
export const authorizationPolicySpec = z.strictObject({
  selector: workloadSelector
    .optional()
    .describe('Pods of the namespace. Default: all; in the root namespace, those of all namespaces.'),
  action: z.enum(['ALLOW', 'DENY']).default('ALLOW').describe('What becomes of the requests that a rule matches.'),
  rules: z.array(z.strictObject({})).default([]).describe('One of them has to match.'),
});

/** The `spec` of an AuthorizationPolicy. */
export type AuthorizationPolicy = z.output<typeof authorizationPolicySpec>;

/** Reads an AuthorizationPolicy. One that is not understood denies everything. */
export function readAuthorizationPolicy(object: JsonObject): ClosedRule<AuthorizationPolicy> {
  return readClosed('AuthorizationPolicy', object, authorizationPolicySpec, (selector) => ({
    ...(selector === undefined ? {} : { selector }),
    action: 'DENY',
    rules: [{}],
  }));
}
