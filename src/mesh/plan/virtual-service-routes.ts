import { byKey } from '../../json/json.ts';
import { hasLabels } from '../../pod/label-selector.ts';
import type { Finding } from '../rules/finding.ts';
import { isHostHeader, type Headers } from '../rules/istio/header-changes.ts';
import type { HttpMatch, HttpRoute } from '../rules/istio/http-route.ts';
import type { ObjectRef } from '../rules/object-ref.ts';
import { countsForPods, type VirtualService } from '../rules/virtual-service.ts';
import { destinationResolver, type Resolver } from './istio-destination.ts';
import type { RouteContext, TranslatedRoutes } from './route-context.ts';
import type {
  Answer,
  Cors,
  Destination,
  Fault,
  Forward,
  HeaderChanges,
  Mirror,
  NamedMatch,
  PathMatch,
  PathRewrite,
  Redirect,
  RequestMatch,
  RetryPlan,
  RouteRule,
  TextMatch,
} from './route-plan.ts';
import type { View } from './view.ts';

const all = 1_000_000;

/** What Istio does where an object does not say how often a request is sent again. */
const defaultAttempts = 2;

/** Whether a block counts for the called port and the client; what it says of requests is another matter. */
function counts(match: HttpMatch, port: number, view: View): boolean {
  if (match.port !== undefined && match.port !== port) return false;
  if ((match.gateways ?? []).length > 0) return countsForPods(match);
  if (match.sourceNamespace !== undefined && match.sourceNamespace !== view.namespace) return false;
  return hasLabels(view.labels, match.sourceLabels ?? {});
}

function named(matches: Readonly<Record<string, TextMatch>> | undefined, isNegated: boolean): readonly NamedMatch[] {
  return Object.entries(matches ?? {})
    .toSorted(byKey)
    .map(([name, match]) => ({ name: name.toLowerCase(), match, ...(isNegated ? { isNegated } : {}) }));
}

function pathMatch({ uri, ignoreUriCase }: HttpMatch): PathMatch | undefined {
  if (uri === undefined || uri.type === 'present') return undefined;
  return { ...uri, ...(ignoreUriCase === true && uri.type !== 'regex' ? { ignoresCase: true } : {}) };
}

function requestMatch(match: HttpMatch | undefined): RequestMatch {
  if (match === undefined) return { headers: [], query: [] };
  const path = pathMatch(match);
  return {
    ...(path === undefined ? {} : { path }),
    ...(match.method === undefined ? {} : { method: match.method }),
    ...(match.authority === undefined ? {} : { authority: match.authority }),
    ...(match.scheme === undefined ? {} : { scheme: match.scheme }),
    headers: [...named(match.headers, false), ...named(match.withoutHeaders, true)],
    query: Object.entries(match.queryParams ?? {})
      .toSorted(byKey)
      .map(([name, match]) => ({ name, match })),
  };
}

/** Whether no request is left for the rules behind. */
function takesAll({ path, method, authority, scheme, headers, query }: RequestMatch): boolean {
  const takesPaths =
    path === undefined ||
    (path.type === 'prefix' && ['', '/'].includes(path.value)) ||
    (path.type === 'regex' && path.value === '.*');
  return takesPaths && [method, authority, scheme, ...headers, ...query].every((one) => one === undefined);
}

type Operations = Headers['request'];

function headerChanges(operations: Operations): HeaderChanges | undefined {
  if (operations === undefined) return undefined;
  const pairs = (map: Readonly<Record<string, string>> | undefined): readonly (readonly [string, string])[] =>
    Object.entries(map ?? {})
      .filter(([name]) => !isHostHeader(name))
      .toSorted(byKey);
  const changes = { set: pairs(operations.set), add: pairs(operations.add), remove: operations.remove ?? [] };
  return Object.values(changes).some(({ length }) => length > 0) ? changes : undefined;
}

/** The Host header that is set among the others. */
function hostHeader(operations: Operations): string | undefined {
  const entries = [...Object.entries(operations?.set ?? {}), ...Object.entries(operations?.add ?? {})];
  return entries.find(([name]) => isHostHeader(name))?.[1];
}

function bothHeaders(headers: Headers | undefined): Pick<RouteRule, 'requestHeaders' | 'responseHeaders'> {
  const [requestHeaders, responseHeaders] = [headerChanges(headers?.request), headerChanges(headers?.response)];
  return {
    ...(requestHeaders === undefined ? {} : { requestHeaders }),
    ...(responseHeaders === undefined ? {} : { responseHeaders }),
  };
}

function destinationsOf(
  route: HttpRoute,
  authority: string | undefined,
  resolve: Resolver,
  at: string,
): readonly Destination[] {
  const shares = route.route ?? [];
  return shares.flatMap(({ destination, weight = 0, headers }, index): Destination[] => {
    if (shares.length > 1 && weight === 0) return [];
    const found = resolve(destination, `${at}/route/${index}/destination`);
    // That of the route stands above it, whether there is one destination or several.
    const own = authority === undefined ? hostHeader(headers?.request) : undefined;
    return [
      {
        backend: found?.backend,
        weight: shares.length > 1 ? weight : 1,
        ...bothHeaders(headers),
        ...(own === undefined ? {} : { authority: own }),
        ...(found?.hash === undefined ? {} : { hash: found.hash }),
      },
    ];
  });
}

function mirrorsOf(route: HttpRoute, resolve: Resolver, at: string): readonly Mirror[] {
  const single =
    route.mirror === undefined
      ? []
      : [
          {
            destination: route.mirror,
            perMillion:
              route.mirrorPercentage ?? (route.mirrorPercent === undefined ? all : route.mirrorPercent * 10_000),
            field: `${at}/mirror`,
          },
        ];
  const several = (route.mirrors ?? []).map(({ destination, percentage = all }, index) => ({
    destination,
    perMillion: percentage,
    field: `${at}/mirrors/${index}/destination`,
  }));
  return [...single, ...several].flatMap(({ destination, perMillion, field }) => {
    if (perMillion === 0) return [];
    const backend = resolve(destination, field)?.backend;
    return backend === undefined ? [] : [{ backend, perMillion }];
  });
}

function pathRewrite(rewrite: HttpRoute['rewrite']): PathRewrite | undefined {
  if (rewrite?.uriRegexRewrite !== undefined) {
    const { match, rewrite: substitution } = rewrite.uriRegexRewrite;
    return { type: 'regex', pattern: match, substitution };
  }
  return rewrite?.uri === undefined || rewrite.uri === '' ? undefined : { type: 'matched', value: rewrite.uri };
}

/**
 * Returns how requests are sent again.
 *
 * @param isHashed whether the only destination picks endpoints by a hash: then a retry goes to the same one
 */
function retryPlan(retries: HttpRoute['retries'], isHashed: boolean): RetryPlan | undefined {
  if (retries === undefined) {
    return isHashed ? { attempts: defaultAttempts, statusCodes: [], mayRepeatEndpoint: true } : undefined;
  }
  const { attempts = 0, retryOn, perTryTimeout, backoff, retryIgnorePreviousHosts } = retries;
  const { conditions = [], statusCodes = [] } = retryOn ?? {};
  const byStatus = statusCodes.length > 0 && !conditions.includes('retriable-status-codes');
  const words = byStatus ? [...conditions, 'retriable-status-codes'] : conditions;
  return {
    attempts,
    ...(words.length === 0 ? {} : { conditions: words }),
    statusCodes,
    ...(perTryTimeout === undefined ? {} : { perTryMs: perTryTimeout }),
    ...(backoff === undefined ? {} : { backoffMs: backoff }),
    ...((retryIgnorePreviousHosts ?? !isHashed) ? {} : { mayRepeatEndpoint: true }),
  };
}

function forward(route: HttpRoute, resolve: Resolver, at: string): Forward {
  const authority = route.rewrite?.authority ?? hostHeader(route.headers?.request);
  const destinations = destinationsOf(route, authority, resolve, at);
  const path = pathRewrite(route.rewrite);
  const retry = retryPlan(route.retries, (route.route ?? []).length === 1 && destinations[0]?.hash !== undefined);
  return {
    type: 'forward',
    destinations,
    ...((route.route ?? []).length > 1 ? { isShared: true } : {}),
    ...(path === undefined ? {} : { path }),
    ...(authority === undefined ? {} : { authority }),
    ...(route.timeout === undefined || route.timeout === 0 ? {} : { timeoutMs: route.timeout }),
    ...(retry === undefined ? {} : { retry }),
    mirrors: mirrorsOf(route, resolve, at),
  };
}

function redirectOf(redirect: NonNullable<HttpRoute['redirect']>, calledPort: number): Redirect {
  const { uri, prefixRewrite, authority, scheme, redirectCode = 301 } = redirect;
  const port = redirect.derivePort === 'FROM_REQUEST_PORT' ? calledPort : redirect.port;
  const full = uri === undefined ? undefined : ({ type: 'full', value: uri } as const);
  const path = prefixRewrite === undefined ? full : ({ type: 'matched', value: prefixRewrite } as const);
  return {
    type: 'redirect',
    status: redirectCode === 0 ? 301 : redirectCode,
    ...(scheme === undefined ? {} : { scheme }),
    ...(authority === undefined ? {} : { authority }),
    ...(port === undefined ? {} : { port }),
    ...(path === undefined ? {} : { path }),
  };
}

function answerOf({ status, body }: NonNullable<HttpRoute['directResponse']>): Answer {
  const bytes =
    body?.bytes === undefined
      ? new TextEncoder().encode(body?.string ?? '')
      : Uint8Array.from(atob(body.bytes), (character) => character.charCodeAt(0));
  return { type: 'answer', status, ...(bytes.length === 0 ? {} : { body: bytes }) };
}

function faultOf(fault: HttpRoute['fault']): Fault | undefined {
  const { delay, abort } = fault ?? {};
  const delayed = delay?.percentage ?? (delay?.percent ?? 0) * 10_000;
  const aborted = abort?.percentage ?? 0;
  const status =
    abort?.httpStatus === undefined
      ? abort?.grpcStatus !== undefined && ({ type: 'grpc', code: abort.grpcStatus } as const)
      : ({ type: 'http', code: abort.httpStatus } as const);
  const made = {
    ...(delay?.fixedDelay !== undefined && delayed > 0 ? { delay: { ms: delay.fixedDelay, perMillion: delayed } } : {}),
    ...(status && aborted > 0 ? { abort: { status, perMillion: aborted } } : {}),
  };
  return Object.keys(made).length === 0 ? undefined : made;
}

function corsOf(cors: HttpRoute['corsPolicy']): Cors | undefined {
  if (cors === undefined) return undefined;
  const old = (cors.allowOrigin ?? []).map((value) => ({ type: 'exact', value }) as const);
  return {
    origins: cors.allowOrigins ?? old,
    methods: cors.allowMethods ?? [],
    headers: cors.allowHeaders ?? [],
    exposed: cors.exposeHeaders ?? [],
    ...(cors.maxAge === undefined ? {} : { maxAgeMs: cors.maxAge }),
    ...(cors.allowCredentials === undefined ? {} : { allowsCredentials: cors.allowCredentials }),
    forwardsOthers: cors.unmatchedPreflights !== 'IGNORE',
  };
}

function actionOf(route: HttpRoute, port: number, resolve: Resolver, at: string): RouteRule['action'] {
  if (route.redirect !== undefined) return redirectOf(route.redirect, port);
  if (route.directResponse !== undefined) return answerOf(route.directResponse);
  return forward(route, resolve, at);
}

/**
 * Returns the rules that a VirtualService makes for one port of a Service and some of its clients: one for each block of `match`, in
 * order, up to one that takes all requests. There are none if no block is about the port and the clients, which then call the
 * Service as if there were no such object (as in Istio). If a block names a Service, a port or a subset that is not
 * there, `rules` is undefined and findings say which.
 */
export function translateVirtualService(spec: VirtualService, ref: ObjectRef, context: RouteContext): TranslatedRoutes {
  const findings: Finding[] = [];
  const resolve = destinationResolver(ref, context, findings);
  const rules: RouteRule[] = [];
  for (const [index, route] of spec.http.entries()) {
    const blocks = (route.match ?? []).length === 0 ? [undefined] : (route.match ?? []);
    const counting = [...blocks.entries()].filter(
      ([, block]) => block === undefined || counts(block, context.port, context.view),
    );
    if (counting.length === 0) continue;
    const at = `/spec/http/${index}`;
    const action = actionOf(route, context.port, resolve, at);
    const [fault, cors] = [faultOf(route.fault), corsOf(route.corsPolicy)];
    for (const [place, block] of counting) {
      const match = requestMatch(block);
      rules.push({
        name: [route.name ?? '', ...(block?.name === undefined ? [] : [block.name])].join('.'),
        origin: { ref, field: block === undefined ? at : `${at}/match/${place}` },
        match,
        action,
        ...bothHeaders(route.headers),
        ...(fault === undefined ? {} : { fault }),
        ...(cors === undefined ? {} : { cors }),
      });
      if (takesAll(match)) return { rules: findings.length > 0 ? undefined : rules, findings };
    }
  }
  return { rules: findings.length > 0 ? undefined : rules, findings };
}
