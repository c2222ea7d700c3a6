import * as z from 'zod';
import type { JsonObject } from '../../json/json.ts';
import { readRule } from './reading.ts';
import type { Rule } from './rule.ts';

const spec = z.strictObject({
  hosts: z.array(z.string()).default([]),
  gateways: z.array(z.string()).optional(),
  exportTo: z.array(z.string()).optional(),
  http: z
    .array(
      z.looseObject({
        match: z
          .array(
            z.looseObject({
              sourceLabels: z.record(z.string(), z.string()).optional(),
              sourceNamespace: z.string().optional(),
            }),
          )
          .optional(),
      }),
    )
    .optional(),
});

/** The `spec` of a VirtualService. */
export type VirtualService = z.output<typeof spec>;

/** Reads a VirtualService. */
export function readVirtualService(object: JsonObject): Rule<VirtualService> {
  return readRule('VirtualService', object, spec);
}
