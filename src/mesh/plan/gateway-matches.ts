import type { GrpcRouteRule, HttpRouteRule } from '../rules/gateway-route.ts';
import { firstOfName, segmentsOf } from './gateway-filters.ts';
import type { NamedMatch, PathMatch, RequestMatch, TextMatch } from './route-plan.ts';

/** What a match compares, and how it stands to others: of two, the one with the first greater number is asked first. */
export interface RankedMatch {
  readonly match: RequestMatch;
  readonly rank: readonly number[];
}

type HttpMatch = HttpRouteRule['matches'][number];
type GrpcMatch = GrpcRouteRule['matches'][number];
type ValueMatch = HttpMatch['headers'][number];

function textMatch({ type, value }: Pick<ValueMatch, 'type' | 'value'>): TextMatch {
  return { type: type === 'Exact' ? 'exact' : 'regex', value };
}

function namedMatches(entries: readonly ValueMatch[]): readonly NamedMatch[] {
  return firstOfName(entries).map((entry) => ({ name: entry.name, match: textMatch(entry) }));
}

const pathKinds = { RegularExpression: 0, PathPrefix: 1, Exact: 2 } as const;

function pathMatch({ type, value }: HttpMatch['path']): PathMatch {
  if (type === 'PathPrefix') return { type: 'segments', value: segmentsOf(value) };
  return { type: type === 'Exact' ? 'exact' : 'regex', value };
}

function httpMatch({ path, method, headers, queryParams }: HttpMatch): RankedMatch {
  const match: RequestMatch = {
    path: pathMatch(path),
    ...(method !== undefined && { method: { type: 'exact', value: method } }),
    headers: namedMatches(headers),
    query: namedMatches(queryParams),
  };
  const length = path.type === 'PathPrefix' ? segmentsOf(path.value).length : path.value.length;
  return {
    match,
    rank: [0, pathKinds[path.type], length, Number(method !== undefined), match.headers.length, match.query.length],
  };
}

/** Returns the matches of a rule of an HTTPRoute; one without any takes all requests. */
export function httpMatches(matches: HttpRouteRule['matches']): readonly RankedMatch[] {
  const any: HttpMatch = { path: { type: 'PathPrefix', value: '/' }, headers: [], queryParams: [] };
  return (matches.length === 0 ? [any] : matches).map(httpMatch);
}

const methodKinds = { RegularExpression: 1, Exact: 2 } as const;

/** The path of a request of gRPC is `/<service>/<method>`. */
function methodPath({ type, service, method }: NonNullable<GrpcMatch['method']>): PathMatch {
  const anyName = '[^/]+';
  if (type === 'RegularExpression')
    return { type: 'regex', value: `/(?:${service || anyName})/(?:${method || anyName})` };
  if (service === '') return { type: 'regex', value: `/${anyName}/${method}` };
  return method === '' ? { type: 'prefix', value: `/${service}/` } : { type: 'exact', value: `/${service}/${method}` };
}

function grpcMatch({ method, headers }: GrpcMatch): RankedMatch {
  const match: RequestMatch = {
    ...(method !== undefined && { path: methodPath(method) }),
    headers: namedMatches(headers),
    query: [],
    isGrpc: true,
  };
  const { type, service = '', method: name = '' } = method ?? {};
  const kind = type === undefined ? 0 : methodKinds[type];
  return { match, rank: [1, kind, service.length, name.length, match.headers.length] };
}

/**
 * Returns the matches of a rule of a GRPCRoute; one without any takes all requests of gRPC. They come before those of HTTPRoutes, which
 * take requests of gRPC that none of them matches.
 */
export function grpcMatches(matches: GrpcRouteRule['matches']): readonly RankedMatch[] {
  return (matches.length === 0 ? [{ headers: [] }] : matches).map(grpcMatch);
}
