import type { JsonObject } from '../../../json/json.ts';
import type { NamedMatch, PathMatch, RequestMatch, TextMatch } from '../../plan/route-plan.ts';

const anything: ReadonlySet<string> = new Set(['', '.*']);

/** Returns an `envoy.type.matcher.v3.StringMatcher`; undefined if every text matches, for which it has no form. */
export function stringMatcher(match: TextMatch): JsonObject | undefined {
  switch (match.type) {
    case 'present':
      return undefined;
    case 'exact':
      return { exact: match.value };
    case 'prefix':
      return match.value === '' ? undefined : { prefix: match.value };
    case 'regex':
      return anything.has(match.value) ? undefined : { safe_regex: { regex: match.value } };
  }
}

function valueMatcher(match: TextMatch): JsonObject {
  const string_match = stringMatcher(match);
  return string_match === undefined ? { present_match: true } : { string_match };
}

/**
 * Returns an `envoy.config.route.v3.HeaderMatcher`. Without its header a negated comparison is one of the empty text, as in Istio: it holds, unless the
 * expression fits that, too.
 */
function headerMatcher({ name, match, isNegated }: NamedMatch): JsonObject {
  if (isNegated !== true) return { name, ...valueMatcher(match) };
  const value = match.type === 'regex' ? { string_match: { safe_regex: { regex: match.value } } } : valueMatcher(match);
  return {
    name,
    ...value,
    invert_match: true,
    ...('string_match' in value ? { treat_missing_header_as_empty: true } : {}),
  };
}

/** Whether a path matches whatever it is. */
function isAnyPath(path: PathMatch | undefined): boolean {
  if (path === undefined || path.value === '') return path?.type !== 'exact';
  return path.value === '/' ? path.type === 'prefix' : path.type === 'regex' && path.value === '.*';
}

function pathMatcher(path: PathMatch | undefined): JsonObject {
  // What an expression matches is the whole path, and would be rewritten as a whole.
  if (path?.type === 'regex') return { safe_regex: { regex: path.value } };
  if (path === undefined || isAnyPath(path)) return { prefix: '/' };
  const { type, value, ignoresCase } = path;
  const key = { exact: 'path', prefix: 'prefix', segments: 'path_separated_prefix' }[type];
  return { [key]: value, ...(ignoresCase === true ? { case_sensitive: false } : {}) };
}

/** Whether all requests match. */
export function isEverything({ path, method, authority, scheme, headers, query, isGrpc }: RequestMatch): boolean {
  const conditions = [method, authority, scheme, ...headers, ...query];
  return isAnyPath(path) && conditions.every((one) => one === undefined) && isGrpc !== true;
}

/** Whether requests of gRPC can match, which all have the method POST. */
export function mayBeGrpc({ method }: RequestMatch): boolean {
  return method?.type !== 'exact' || method.value === 'POST';
}

/** Returns an `envoy.config.route.v3.RouteMatch`. */
export function routeMatch({ path, method, authority, scheme, headers, query, isGrpc }: RequestMatch): JsonObject {
  const pseudo = { ':method': method, ':authority': authority, ':scheme': scheme };
  const all = [
    ...Object.entries(pseudo).flatMap(([name, match]) => (match === undefined ? [] : [{ name, match }])),
    ...headers,
  ];
  return {
    ...pathMatcher(path),
    ...(all.length === 0 ? {} : { headers: all.map(headerMatcher) }),
    ...(query.length === 0
      ? {}
      : { query_parameters: query.map(({ name, match }) => ({ name, ...valueMatcher(match) })) }),
    ...(isGrpc === true ? { grpc: {} } : {}),
  };
}
