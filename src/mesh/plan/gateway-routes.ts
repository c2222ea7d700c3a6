import type { Finding } from '../rules/finding.ts';
import type { BackendRef } from '../rules/gateway-fields.ts';
import type { HttpFilter } from '../rules/gateway-filters.ts';
import type { GrpcRoute, GrpcRouteRule, HttpRoute, HttpRouteRule } from '../rules/gateway-route.ts';
import { byAge, objectKey, type ObjectRef } from '../rules/object-ref.ts';
import type { Rules } from '../rules/rule-kinds.ts';
import type { Rule } from '../rules/rule.ts';
import { resolveBackend } from './gateway-backends.ts';
import { corsOf, headersOf, pathRewrite, redirectOf } from './gateway-filters.ts';
import { grpcMatches, httpMatches, type RankedMatch } from './gateway-matches.ts';
import type { RouteContext } from './route-context.ts';
import type { Backend, Destination, Forward, Mirror, RetryPlan, RouteRule } from './route-plan.ts';

/** What Gateway API's routes make of the requests to one port. */
export interface TranslatedGatewayRoutes {
  /** The rules of all routes in the order in which they are asked. */
  readonly rules: readonly RouteRule[];
  /** By the key of their object. */
  readonly findings: ReadonlyMap<string, readonly Finding[]>;
}

/** As many as the mesh retries by default. */
const defaultAttempts = 2;

/** Where a rule stands in its object. */
interface Place {
  readonly ref: ObjectRef;
  readonly index: number;
}

/** What becomes of requests is said alike in both kinds. */
type RuleOfRequests = Omit<HttpRouteRule, 'matches'>;

/** Finds a backend, and says so if there is none. */
type FindBackend = (backendRef: BackendRef, field: string) => Backend | undefined;

function retryOf({ retry, timeouts }: RuleOfRequests): RetryPlan | undefined {
  const perTry = timeouts?.backendRequest ?? 0;
  const limit = perTry > 0 ? { perTryMs: perTry } : {};
  if (retry === undefined) return perTry > 0 ? { attempts: defaultAttempts, statusCodes: [], ...limit } : undefined;
  return {
    attempts: retry.attempts ?? defaultAttempts,
    // Where retries are asked for, connections that fail in any way count, too (GEP-1731).
    conditions: ['connect-failure', 'refused-stream', 'reset'],
    statusCodes: retry.codes,
    ...(retry.backoff !== undefined && retry.backoff > 0 && { backoffMs: retry.backoff }),
    ...limit,
  };
}

function mirrorsOf(filters: readonly HttpFilter[], field: string, find: FindBackend): readonly Mirror[] {
  return filters.flatMap(({ requestMirror }, index): readonly Mirror[] => {
    if (requestMirror === undefined) return [];
    const backend = find(requestMirror.backendRef, `${field}/${index}/requestMirror/backendRef`);
    const { percent = 100, fraction = { numerator: percent, denominator: 100 } } = requestMirror;
    const perMillion = Math.round((fraction.numerator / fraction.denominator) * 1_000_000);
    return backend === undefined || perMillion === 0 ? [] : [{ backend, perMillion }];
  });
}

function destinationsOf(
  backendRefs: HttpRouteRule['backendRefs'],
  field: string,
  find: FindBackend,
  context: RouteContext,
): readonly Destination[] {
  return backendRefs.flatMap((backendRef, index): readonly Destination[] => {
    const backend = find(backendRef, `${field}/${index}`);
    if (backendRef.weight === 0) return [];
    const hash = backend === undefined ? undefined : context.hashOf(backend);
    return [
      { backend, weight: backendRef.weight, ...headersOf(backendRef.filters), ...(hash !== undefined && { hash }) },
    ];
  });
}

/** Returns what becomes of the requests that a rule takes. */
function actionOf(
  rule: RuleOfRequests,
  { ref, index }: Place,
  context: RouteContext,
  find: FindBackend,
): RouteRule['action'] {
  const redirect = rule.filters.find(({ requestRedirect }) => requestRedirect !== undefined)?.requestRedirect;
  if (redirect !== undefined) return redirectOf(redirect, context.port);
  const field = `/spec/rules/${index}`;
  const mirrors = mirrorsOf(rule.filters, `${field}/filters`, find);
  const destinations = destinationsOf(rule.backendRefs, `${field}/backendRefs`, find, context);
  // Envoy makes UNAVAILABLE of 503, and UNKNOWN of 500, where a request is one of gRPC.
  if (destinations.every(({ backend }) => backend === undefined)) {
    return { type: 'answer', status: ref.kind === 'GRPCRoute' ? 503 : 500 };
  }
  const rewrite = rule.filters.find(({ urlRewrite }) => urlRewrite !== undefined)?.urlRewrite;
  const timeoutMs = rule.timeouts?.request ?? 0;
  const retry = retryOf(rule);
  return {
    type: 'forward',
    destinations,
    ...(rule.backendRefs.length > 1 && { isShared: true }),
    mirrors,
    ...(rewrite?.path !== undefined && { path: pathRewrite(rewrite.path) }),
    ...(rewrite?.hostname !== undefined && { authority: rewrite.hostname }),
    ...(timeoutMs > 0 && { timeoutMs }),
    ...(retry !== undefined && { retry }),
  } satisfies Forward;
}

/** A rule for one match, with what decides on its place. */
interface Candidate extends Place {
  readonly rank: readonly number[];
  readonly rule: RouteRule;
}

function byPrecedence(one: Candidate, other: Candidate): number {
  for (const [at, number] of one.rank.entries()) {
    const difference = (other.rank[at] ?? 0) - number;
    if (difference !== 0) return difference;
  }
  return byAge(one.ref, other.ref) || one.index - other.index;
}

function candidatesOf(
  place: Place,
  rule: RuleOfRequests,
  matches: readonly RankedMatch[],
  context: RouteContext,
  find: FindBackend,
): readonly Candidate[] {
  const { ref, index } = place;
  const cors = rule.filters.find((filter) => filter.cors !== undefined)?.cors;
  const common = {
    name: `${ref.namespace}/${ref.name}/${rule.name ?? index}`,
    action: actionOf(rule, place, context, find),
    ...headersOf(rule.filters),
    ...(cors !== undefined && { cors: corsOf(cors) }),
  };
  return matches.map(({ match, rank }, at) => {
    const origin = { ref, field: `/spec/rules/${index}/matches/${at}` };
    return { ...place, rank, rule: { ...common, origin, match } };
  });
}

function matchesOf({ matches }: HttpRouteRule | GrpcRouteRule, { kind }: ObjectRef): readonly RankedMatch[] {
  return kind === 'GRPCRoute'
    ? grpcMatches(matches as GrpcRouteRule['matches'])
    : httpMatches(matches as HttpRouteRule['matches']);
}

/**
 * Returns what routes of Gateway API make of the requests to one port of a Service, in Gateway API's order of precedence; the order of
 * the routes makes no difference. What is said of a backend that cannot be used is a warning: its share of requests is answered with an
 * error.
 *
 * @param routes those that are attached to the port and count for the clients
 */
export function translateGatewayRoutes(
  routes: readonly (Rule<HttpRoute> | Rule<GrpcRoute>)[],
  context: RouteContext,
  grants: Rules['ReferenceGrant'],
): TranslatedGatewayRoutes {
  const findings = new Map<string, readonly Finding[]>();
  const candidates = routes.flatMap(({ ref, spec }): readonly Candidate[] => {
    if (spec === undefined) return [];
    const found: Finding[] = [];
    const find: FindBackend = (backendRef, field) => {
      const resolved = resolveBackend(ref, context.service, backendRef, context, grants);
      if ('backend' in resolved) return resolved.backend;
      const { reason, sentence } = resolved.unresolved;
      found.push({ field, effect: 'warning', code: reason, sentence });
      return undefined;
    };
    const own = spec.rules.flatMap((rule, index) =>
      candidatesOf({ ref, index }, rule, matchesOf(rule, ref), context, find),
    );
    if (found.length > 0) findings.set(objectKey(ref), found);
    return own;
  });
  return { rules: candidates.toSorted(byPrecedence).map(({ rule }) => rule), findings };
}
