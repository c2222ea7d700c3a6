import { member, objectMember, stringMember, type JsonObject } from '../../json/json.ts';
import { replaceMatches } from './regular-expression.ts';
import type { Headers } from './request.ts';
import { pathOnly } from './route-match.ts';

/** Returns how many characters of the path a match stands for: what `prefix_rewrite` replaces. */
function matchedLength(match: JsonObject, path: string): number {
  const prefix = stringMember(match, 'prefix') ?? stringMember(match, 'path_separated_prefix');
  return prefix === undefined ? path.length : prefix.length;
}

/** Returns the path, with its query, that a route's action or redirect makes of that of a request. */
export function rewrittenPath(action: JsonObject, match: JsonObject, whole: string): string {
  const path = pathOnly(whole);
  const query = whole.slice(path.length);
  const prefix = stringMember(action, 'prefix_rewrite');
  if (prefix !== undefined) return prefix + path.slice(matchedLength(match, path)) + query;
  const regex = objectMember(action, 'regex_rewrite');
  const expression = stringMember(objectMember(regex, 'pattern'), 'regex');
  if (expression === undefined) return whole;
  return replaceMatches(expression, path, stringMember(regex, 'substitution') ?? '') + query;
}

/** Host of a request without its port, if that is replaced, or is the default one of a scheme that is replaced. */
function redirectedHost(authority: string, before: string, after: string, port: string): string {
  const own = /:\d*$/.exec(authority)?.[0];
  if (own === undefined || (authority.startsWith('[') && !authority.includes(']:'))) return authority;
  const usual = { http: ':80', https: ':443' }[before];
  return port !== '' || (before !== after && own === usual) ? authority.slice(0, -own.length) : authority;
}

/** Returns the `location` that an `envoy.config.route.v3.RedirectAction` answers with; requests of CONNECT get none. */
export function locationOf(redirect: JsonObject, match: JsonObject, headers: Headers): string | undefined {
  const whole = headers.get(':path');
  if (whole === undefined) return undefined;
  const before = headers.get(':scheme') ?? 'http';
  const scheme = stringMember(redirect, 'scheme_redirect') ?? before;
  const given = member(redirect, 'port_redirect');
  const port = given === undefined ? '' : `:${Number(given)}`;
  const told = headers.get('x-forwarded-proto') ?? before;
  const host =
    stringMember(redirect, 'host_redirect') ?? redirectedHost(headers.get(':authority') ?? '', told, scheme, port);
  const path = stringMember(redirect, 'path_redirect');
  const query = whole.slice(pathOnly(whole).length);
  const target =
    path === undefined ? rewrittenPath(redirect, match, whole) : path.includes('?') ? path : `${path}${query}`;
  return `${scheme}://${host}${port}${target}`;
}
