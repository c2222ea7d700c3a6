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

const resourceNames = ['cpu', 'memory', 'ephemeral-storage'] as const;

export type ResourceName = (typeof resourceNames)[number];

export type ResourceList = Partial<Record<ResourceName, string>>;

/** Requests and limits of a container; a resource that is not named has none. */
export interface Resources {
  requests: ResourceList;
  limits: ResourceList;
}

/** As elsewhere in Kubernetes, null takes a value away that would otherwise be there. */
const amountOrNone = z.union([z.string(), z.number(), z.null()], {
  error: 'allowed: a Kubernetes quantity such as 100m or 128Mi, or null for none',
});

const changedAmount = amountOrNone.transform((value, context) => {
  if (value === null) return null;
  const text = String(value);
  const parsedAmount = quantity.parse(text);
  if ('value' in parsedAmount) return text;
  context.addIssue({ code: 'custom', message: parsedAmount.problem });
  return z.NEVER;
});

const changedList = z.strictObject({
  cpu: changedAmount.optional(),
  memory: changedAmount.optional(),
  'ephemeral-storage': changedAmount.optional(),
});

/** Changes of requests and limits: null takes a value away. */
export const resourceChanges = z.strictObject({ requests: changedList.prefault({}), limits: changedList.prefault({}) });

export type ResourceChanges = z.output<typeof resourceChanges>;

function changed(base: ResourceList, changes: ResourceChanges['requests']): ResourceList {
  const list: ResourceList = {};
  for (const name of resourceNames) {
    const value = changes[name] === undefined ? base[name] : changes[name];
    if (value !== undefined && value !== null) list[name] = value;
  }
  return list;
}

/** Returns the resources with the changes made. */
export function changeResources(base: Resources, { requests, limits }: ResourceChanges): Resources {
  return { requests: changed(base.requests, requests), limits: changed(base.limits, limits) };
}

function hasNull({ requests, limits }: ResourceChanges): boolean {
  return [...Object.values(requests), ...Object.values(limits)].includes(null);
}

/**
 * Resources with these defaults. What is named takes the place of the defaults as a whole; but where null takes one of
 * them away, the others stay.
 */
export function resources(defaults: Resources) {
  const none: Resources = { requests: {}, limits: {} };
  return resourceChanges
    .transform((named) => changeResources(hasNull(named) ? defaults : none, named))
    .prefault(defaults);
}

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
