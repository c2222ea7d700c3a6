import type * as z from 'zod';
import type { JsonObject } from '../../../json/json.ts';
import type { Finding } from '../finding.ts';
import type { RuleKind } from '../object-ref.ts';
import { readRule, readSafely } from '../reading.ts';
import type { Rule } from '../rule.ts';
import { selectorOfUnread, type WorkloadSelector } from './selector.ts';

/** A rule that always says something: one that is refused says the strictest that its kind can. */
export type ClosedRule<S> = Rule<S> & { readonly spec: S };

/**
 * Reads the `spec` of an object that protects pods. One that is not understood whole protects what it may govern as strictly as its kind can:
 * it is never as if it did not exist.
 *
 * @param strictest returns what counts instead, for the pods of a selector
 */
export function readClosed<S>(
  kind: RuleKind,
  object: JsonObject,
  schema: z.ZodType<S>,
  strictest: (selector: WorkloadSelector) => S,
  check?: (spec: S) => readonly Finding[],
): ClosedRule<S> {
  const rule = readSafely(kind, object, () => readRule(kind, object, schema, check));
  if (rule.spec !== undefined) return { ...rule, spec: rule.spec };
  const selector = selectorOfUnread(object);
  const whom = selector === undefined ? 'all pods that it may govern' : 'the pods that it selects';
  const sentence = `as long as it stands like this, the strictest counts for ${whom}`;
  const closed: Finding = { field: '/spec', effect: 'warning', code: 'StrictestCounts', sentence };
  return { ...rule, spec: strictest(selector), findings: [...rule.findings, closed] };
}
