import { canonicalText } from '../../../json/json.ts';
import type { Finding } from '../finding.ts';
import type { HttpMatch, HttpRoute } from './http-route.ts';

function isNothing(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
}

/** Whether all requests that a block can see match it. */
function takesAll(match: HttpMatch): boolean {
  const { uri, name: _name, statPrefix: _statistics, ignoreUriCase: _case, ...others } = match;
  const takesPaths =
    uri === undefined ||
    uri.type === 'present' ||
    (uri.type === 'prefix' && ['', '/'].includes(uri.value)) ||
    (uri.type === 'regex' && uri.value === '.*');
  return takesPaths && Object.values(others).every(isNothing);
}

/** Whether a route takes all requests, so that none is left for those behind it. */
function endsList({ match = [] }: HttpRoute): boolean {
  return match.length === 0 || match.some(takesAll);
}

/** A block as text, without what does not change what it matches. */
function conditionText({ name: _name, statPrefix: _statistics, ...match }: HttpMatch): string {
  return canonicalText(match);
}

/** Returns what is to be said of routes, and blocks of them, that no request gets to. */
export function checkReach(routes: readonly HttpRoute[]): readonly Finding[] {
  const seen = new Map<string, string>();
  let last: number | undefined;
  return routes.flatMap((route, index): Finding[] => {
    const field = `/spec/http/${index}`;
    const say = (at: string, because: string): Finding[] => [
      { field: at, effect: 'warning', code: 'Unreachable', sentence: `no request gets here: ${because}` },
    ];
    if (last !== undefined) return say(field, `/spec/http/${last} takes all requests; put it at the end`);
    const findings = (route.match ?? []).flatMap((match, at): Finding[] => {
      const text = conditionText(match);
      const before = seen.get(text);
      const place = `${field}/match/${at}`;
      if (before !== undefined) return say(place, `${before} matches the same requests; leave one of them out`);
      seen.set(text, place);
      return [];
    });
    if (endsList(route)) last = index;
    return findings;
  });
}
