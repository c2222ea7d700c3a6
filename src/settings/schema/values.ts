import * as z from 'zod';
import type { Grammar } from '../../grammar/grammar.ts';
import { quantity } from '../../grammar/grammar.ts';

/** A string that one of the annotation grammars accepts; it stays text here and is parsed once per snapshot. */
export function written<T>(grammar: Grammar<T>) {
  return z.string().superRefine((text, context) => {
    const parsed = grammar.parse(text);
    if ('problem' in parsed) context.addIssue({ code: 'custom', message: parsed.problem });
  });
}

/** Kubernetes quantities may be written as numbers in YAML (`cpu: 2`). */
export const amount = z.union([z.string(), z.number()]).transform(String).pipe(written(quantity));

const resourceList = z.strictObject({
  cpu: amount.optional(),
  memory: amount.optional(),
  'ephemeral-storage': amount.optional(),
});

export const resources = z.strictObject({ requests: resourceList.prefault({}), limits: resourceList.prefault({}) });

export type Resources = z.output<typeof resources>;

export const labelSelector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string().min(1),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});

export const namespacePattern = z
  .string()
  .regex(/^[a-z0-9*](?:[a-z0-9*-]{0,61}[a-z0-9*])?$/, 'allowed: a namespace name, with * for any characters');

export const pullPolicy = z.enum(['Always', 'IfNotPresent', 'Never']);
export const seconds = z.number().int().min(0).max(86_400);
