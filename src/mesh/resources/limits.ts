import { limitFilter, routeLimits } from '../../envoy/limit-filter.ts';
import type { JsonObject } from '../../json/json.ts';
import type { LimitPlan } from '../plan/limit-plan.ts';
import { pathExpression } from './access/path-match.ts';
import { escaped, headerMatcher } from './access/text-match.ts';

/** Returns a `HeaderMatcher` of one of several texts, as an expression if there are some. */
function oneOf(name: string, expressions: readonly string[], end = ''): JsonObject {
  return { name, string_match: { safe_regex: { regex: `(?:${expressions.join('|')})${end}` } } };
}

const anyText = String.raw`\C*`;

function expressionOf(pattern: string): string {
  if (pattern === '*') return String.raw`\C+`;
  if (pattern.startsWith('*')) return anyText + escaped(pattern.slice(1));
  return pattern.endsWith('*') ? escaped(pattern.slice(0, -1)) + anyText : escaped(pattern);
}

/** Requests that count. A path counts if it can be read so that it fits. */
function matchersOf({ paths, methods, headers }: LimitPlan): readonly JsonObject[] {
  return [
    ...(paths === undefined ? [] : [oneOf(':path', paths.map(pathExpression), String.raw`(?:\?\C*)?`)]),
    ...(methods === undefined ? [] : [oneOf(':method', methods.map(expressionOf))]),
    ...headers.map(([name, pattern]) => headerMatcher(name, pattern)),
  ];
}

/** Returns the `typed_per_filter_config` of the routes of a pod: how many requests are let in. */
export function httpLimits(limits: readonly LimitPlan[]): JsonObject {
  if (limits.length === 0) return {};
  // The earliest time at which one of them lets in another request.
  const retryAfter = Math.max(1, Math.ceil(Math.min(...limits.map(({ requests, seconds }) => seconds / requests))));
  const config = routeLimits(
    limits.map((limit) => ({
      name: limit.name,
      matchers: matchersOf(limit),
      bucket: {
        max_tokens: limit.burst,
        tokens_per_fill: limit.requests,
        fill_interval: `${limit.seconds}s`,
      },
    })),
    retryAfter,
  );
  return { [limitFilter.name]: config };
}
