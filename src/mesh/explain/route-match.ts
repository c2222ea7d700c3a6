import { quote } from '../../grammar/problem.ts';
import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { matchesWhole } from './regular-expression.ts';
import { headerName, type Headers } from './request.ts';

/** Members that are evaluated here. A matcher with any other would be told wrong, so it is an error of the program. */
const known = {
  match:
    'prefix path path_separated_prefix safe_regex connect_matcher case_sensitive headers query_parameters grpc'.split(
      ' ',
    ),
  header: 'name string_match present_match invert_match treat_missing_header_as_empty'.split(' '),
  query: 'name string_match present_match'.split(' '),
  text: 'exact prefix suffix contains safe_regex ignore_case'.split(' '),
} as const;

function demandKnown(what: keyof typeof known, matcher: JsonObject): void {
  const other = Object.keys(matcher).find((key) => !known[what].includes(key));
  if (other !== undefined) throw new Error(`explain does not know ${other} of a ${what} matcher`);
}

function regexOf(matcher: JsonObject): string | undefined {
  return stringMember(objectMember(matcher, 'safe_regex'), 'regex');
}

/** Evaluates an `envoy.type.matcher.v3.StringMatcher`. */
export function matchesText(matcher: JsonObject, text: string): boolean {
  demandKnown('text', matcher);
  const regex = regexOf(matcher);
  if (regex !== undefined) return matchesWhole(regex, text);
  const isLower = member(matcher, 'ignore_case') === true;
  const lower = (one: string): string => (isLower ? one.toLowerCase() : one);
  const value = lower(text);
  const test = (key: string, holds: (wanted: string) => boolean): boolean => {
    const wanted = stringMember(matcher, key);
    return wanted === undefined || holds(lower(wanted));
  };
  return (
    test('exact', (wanted) => value === wanted) &&
    test('prefix', (wanted) => value.startsWith(wanted)) &&
    test('suffix', (wanted) => value.endsWith(wanted)) &&
    test('contains', (wanted) => value.includes(wanted))
  );
}

/** Returns a `StringMatcher` in words. */
function describeText(matcher: JsonObject): string {
  const regex = regexOf(matcher);
  if (regex !== undefined) return `regex ${quote(regex)}`;
  return Object.entries(matcher)
    .filter(([, value]) => typeof value === 'string')
    .map(([key, value]) => `${key} ${quote(value as string)}`)
    .join(' and ');
}

/** One condition of a match in words, and whether it holds. */
interface Condition {
  readonly subject: string;
  readonly wanted: string;
  readonly found: string;
  readonly holds: boolean;
}

function shown(value: string | undefined): string {
  return value === undefined ? 'absent' : quote(value);
}

function headerCondition(matcher: JsonObject, headers: Headers): Condition {
  demandKnown('header', matcher);
  const name = stringMember(matcher, 'name') ?? '';
  const isInverted = member(matcher, 'invert_match') === true;
  const text = objectMember(matcher, 'string_match');
  const value = headers.get(headerName(name));
  const common = { subject: name.startsWith(':') ? name.slice(1) : `header ${name}`, found: shown(value) };
  if (text === undefined)
    return { ...common, wanted: isInverted ? 'absent' : 'present', holds: (value === undefined) === isInverted };
  const seen = value ?? (member(matcher, 'treat_missing_header_as_empty') === true ? '' : undefined);
  return {
    ...common,
    wanted: `${isInverted ? 'not ' : ''}${describeText(text)}`,
    // Without a text to compare, an inverted comparison does not hold either.
    holds: seen !== undefined && matchesText(text, seen) !== isInverted,
  };
}

/** Evaluates an `envoy.config.route.v3.HeaderMatcher`. */
export function matchesHeader(matcher: JsonObject, headers: Headers): boolean {
  return headerCondition(matcher, headers).holds;
}

/** Parameters of a query as they are written, the first of each name. */
function parametersOf(path: string): ReadonlyMap<string, string> {
  const query = path.includes('?') ? path.slice(path.indexOf('?') + 1) : '';
  const found = new Map<string, string>();
  for (const part of query.split('#', 1)[0]?.split('&') ?? []) {
    const at = part.indexOf('=');
    const [name, value] = at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
    if (part !== '' && !found.has(name)) found.set(name, value);
  }
  return found;
}

function queryCondition(matcher: JsonObject, path: string): Condition {
  demandKnown('query', matcher);
  const name = stringMember(matcher, 'name') ?? '';
  const value = parametersOf(path).get(name);
  const text = objectMember(matcher, 'string_match');
  return {
    subject: `query parameter ${name}`,
    wanted: text === undefined ? 'present' : describeText(text),
    found: shown(value),
    holds: value !== undefined && (text === undefined || matchesText(text, value)),
  };
}

/** Returns a path without its query. */
export function pathOnly(path: string): string {
  return /^[^?#]*/.exec(path)?.[0] ?? '';
}

function pathCondition(match: JsonObject, path: string): Condition {
  const isExact = member(match, 'case_sensitive') !== false;
  const lower = (one: string): string => (isExact ? one : one.toLowerCase());
  const whole = pathOnly(path);
  const seen = lower(whole);
  const condition = (kind: string, value: string, holds: boolean): Condition => ({
    subject: 'path',
    wanted: `${kind} ${quote(value)}${isExact ? '' : ' in any case'}`,
    found: quote(whole),
    holds,
  });
  const regex = regexOf(match);
  if (regex !== undefined) return condition('regex', regex, matchesWhole(regex, whole));
  const [exact, segments, prefix = ''] = ['path', 'path_separated_prefix', 'prefix'].map((key) =>
    stringMember(match, key),
  );
  if (exact !== undefined) return condition('exact', exact, seen === lower(exact));
  if (segments === undefined) return condition('prefix', prefix, seen.startsWith(lower(prefix)));
  const isBelow = seen === lower(segments) || seen.startsWith(`${lower(segments)}/`);
  return condition('prefix of segments', segments, isBelow);
}

/** Returns whether a request is one of gRPC; those of gRPC-Web and of CONNECT are not. */
export function isGrpc(headers: Headers): boolean {
  return headers.has(':path') && /^application\/grpc(?:\+|$)/.test(headers.get('content-type') ?? '');
}

function grpcCondition(headers: Headers): Condition {
  const type = headers.get('content-type');
  return {
    subject: 'header content-type',
    wanted: 'one of gRPC',
    found: shown(type),
    holds: isGrpc(headers),
  };
}

function connectCondition(headers: Headers, isWanted: boolean): Condition {
  const method = headers.get(':method');
  return {
    subject: 'method',
    wanted: isWanted ? 'CONNECT' : 'any but CONNECT',
    found: shown(method),
    holds: (method === 'CONNECT') === isWanted,
  };
}

function conditionsOf(match: JsonObject, headers: Headers): readonly Condition[] {
  demandKnown('match', match);
  const path = headers.get(':path') ?? '';
  const isOfConnect = member(match, 'connect_matcher') !== undefined;
  return [
    connectCondition(headers, isOfConnect),
    ...(isOfConnect ? [] : [pathCondition(match, path)]),
    ...(member(match, 'grpc') === undefined ? [] : [grpcCondition(headers)]),
    ...objectsMember(match, 'headers').map((matcher) => headerCondition(matcher, headers)),
    ...objectsMember(match, 'query_parameters').map((matcher) => queryCondition(matcher, path)),
  ];
}

/**
 * Returns why a request does not match an `envoy.config.route.v3.RouteMatch`: the first condition that does not hold; undefined if
 * it matches.
 */
export function whyNot(match: JsonObject, headers: Headers): string | undefined {
  const failed = conditionsOf(match, headers).find(({ holds }) => !holds);
  return failed === undefined ? undefined : `${failed.subject} is ${failed.found}, wanted: ${failed.wanted}`;
}

/** Returns the conditions of a `RouteMatch` in words. */
export function describeMatch(match: JsonObject): string {
  const words = conditionsOf(match, new Map()).map(({ subject, wanted }) => `${subject} ${wanted}`);
  const said = words.filter((one) => !['method any but CONNECT', 'path prefix "/"'].includes(one));
  return said.length === 0 ? 'all requests' : said.join(', ');
}
