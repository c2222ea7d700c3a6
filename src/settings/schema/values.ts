import * as z from 'zod';
import type { Grammar } from '../../grammar/grammar.ts';
import { quantity } from '../../grammar/grammar.ts';

/** A string in one of the annotation grammars, read into its value. */
export function parsed<T>(grammar: Grammar<T>) {
  return z.string().transform((text, context) => {
    const result = grammar.parse(text);
    if ('value' in result) return result.value;
    context.addIssue({ code: 'custom', message: result.problem });
    return z.NEVER;
  });
}

/** A string in one of the annotation grammars, kept as text. */
export function written(grammar: Grammar<unknown>) {
  return z.string().superRefine((text, context) => {
    const result = grammar.parse(text);
    if ('problem' in result) context.addIssue({ code: 'custom', message: result.problem });
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
