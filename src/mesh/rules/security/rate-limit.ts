import * as z from 'zod';
import { quote } from '../../../grammar/problem.ts';
import type { JsonObject } from '../../../json/json.ts';
import { escapeToken } from '../../../json/operation.ts';
import { headerName, whole } from '../istio/values.ts';
import type { Finding } from '../finding.ts';
import { readRule } from '../reading.ts';
import type { Rule } from '../rule.ts';
import { paths, pattern, patterns } from './access-values.ts';
import { workloadSelector } from './selector.ts';
import { checkValues, headerProblem, methodProblem, pathProblem } from './value-problems.ts';

const most = 1_000_000;

function isNotEmpty(list: readonly string[] | undefined): boolean {
  return list === undefined || list.length > 0;
}

/** Characters of all values of a list: they become one regular expression, in which each is up to a dozen of Envoy's 32,768 instructions. */
const mostCharacters = 2_000;

function isShort(list: readonly string[] | undefined): boolean {
  return (list ?? []).join('').length <= mostCharacters;
}

const longList = { error: `allowed: at most ${mostCharacters} characters in all; use patterns` };
const emptyList = { error: 'must not be empty: leave it out for any request' };

const limit = z.strictObject({
  match: z
    .strictObject({
      paths: paths
        .refine(isNotEmpty, emptyList)
        .refine(isShort, longList)
        .describe('Paths without their query: texts, `x*`, `*x`, or templates with `{*}` and `{**}`.'),
      methods: patterns
        .refine(isNotEmpty, emptyList)
        .refine(isShort, longList)
        .describe('Methods: texts, `x*` or `*x`.'),
      headers: z.record(headerName, pattern).optional().describe('Values by name: texts, `x*`, `*x`, or `*` for any.'),
    })
    .optional()
    .describe('Requests that count: those that fit all that is given, and of each list one value. Default: all.'),
  requests: whole(1, most).describe('How many of them are let in for each of the times.'),
  per: z.enum(['Second', 'Minute', 'Hour']).describe('The time.'),
  burst: whole(1, most)
    .optional()
    .describe('How many are let in at once after a pause. Default: as many as `requests`.'),
});

/** Schema of the `spec` of a RateLimit. */
export const rateLimitSpec = z.strictObject({
  selector: workloadSelector
    .optional()
    .describe('Pods of the namespace. Default: all; in the root namespace, those of all namespaces.'),
  limits: z
    .array(limit)
    .min(1, { error: 'must have at least one item' })
    .max(32, { error: 'allowed: at most 32 items' })
    .describe('Each counts for itself, in each pod; a request that one of them does not let in is answered with 429.'),
});

/** The `spec` of a RateLimit. */
export type RateLimit = z.output<typeof rateLimitSpec>;

/** Values by which no request counts. */
function check({ limits }: RateLimit): readonly Finding[] {
  return limits.flatMap(({ match = {} }, index) => {
    const at = `/spec/limits/${index}/match`;
    const headers = Object.entries(match.headers ?? {}).flatMap(([name, value]): Finding[] => {
      const problem = headerProblem(value);
      if (problem === undefined) return [];
      const [code, sentence] = problem;
      return [
        {
          field: `${at}/headers/${escapeToken(name)}`,
          effect: 'warning',
          code,
          sentence: `${quote(value)}: ${sentence}`,
        },
      ];
    });
    return [...checkValues(match, { paths: pathProblem, methods: methodProblem }, at), ...headers];
  });
}

/** Reads a RateLimit. */
export function readRateLimit(object: JsonObject): Rule<RateLimit> {
  return readRule('RateLimit', object, rateLimitSpec, check);
}
