import * as z from 'zod';
import type { JsonObject } from '../../json/json.ts';
import { readRule } from './reading.ts';
import type { Rule } from './rule.ts';

/** Schema of the `spec` of a ReferenceGrant. */
export const referenceGrantSpec = z.strictObject({
  from: z
    .array(
      z.strictObject({
        group: z.string().describe('`gateway.networking.k8s.io` for routes.'),
        kind: z.string().describe('`HTTPRoute` or `GRPCRoute`; others are none of the mesh.'),
        namespace: z.string().describe('Namespace of the routes.'),
      }),
    )
    .describe('What may refer to objects of this namespace.'),
  to: z
    .array(
      z.strictObject({
        group: z.string().describe('`""` for Services.'),
        kind: z.string().describe('`Service`; others are none of the mesh.'),
        name: z.string().optional().describe('Default: all.'),
      }),
    )
    .describe('To what.'),
});

/** The `spec` of a ReferenceGrant. */
export type ReferenceGrant = z.output<typeof referenceGrantSpec>;

/** Reads a ReferenceGrant. */
export function readReferenceGrant(object: JsonObject): Rule<ReferenceGrant> {
  return readRule('ReferenceGrant', object, referenceGrantSpec);
}
