import * as z from 'zod';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import type { Finding } from './finding.ts';
import {
  checkRegularExpression,
  duration,
  headerMatch,
  parentRef,
  queryParamMatch,
  weightedBackend,
  withServicePort,
  type ParentRef,
} from './gateway-fields.ts';
import { grpcBackendFilters, grpcFilters, httpBackendFilters, httpFilters } from './gateway-filters.ts';
import { readRule, refOf, refused } from './reading.ts';
import type { Rule } from './rule.ts';

const plainPath = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/;
const notNormal = ['//', '/./', '/../', '%2f', '%2F'];

function isPlainPath(path: string): boolean {
  if (!path.startsWith('/') || !plainPath.test(path) || /\/\.{1,2}$/.test(path)) return false;
  return !notNormal.some((part) => path.includes(part));
}

const path = z
  .strictObject({
    type: z
      .enum(['Exact', 'PathPrefix', 'RegularExpression'])
      .default('PathPrefix')
      .describe('Default: `PathPrefix`, which compares whole segments.'),
    value: z
      .string()
      .max(1024)
      .default('/')
      .describe('The path without its query, or a regular expression of RE2. Default: `/`.'),
  })
  .superRefine(({ type, value: input }, context) => {
    if (type === 'RegularExpression') return checkRegularExpression(input, 'value', context);
    if (isPlainPath(input)) return;
    const message = 'must be a path that starts with / and has no //, /./, /../ and %2f';
    context.addIssue({ code: 'custom', path: ['value'], input, message });
  });

const httpMatch = z.strictObject({
  path: path.default({ type: 'PathPrefix', value: '/' }).describe('The path.'),
  headers: z.array(headerMatch).default([]).describe('Headers that must all be so.'),
  queryParams: z.array(queryParamMatch).default([]).describe('Parameters of the query that must all be so.'),
  method: z
    .enum(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'], {
      error: 'must be GET, HEAD, POST, PUT, DELETE, OPTIONS, TRACE or PATCH; requests with CONNECT are not routed',
    })
    .optional()
    .describe('The method.'),
});

const sessions = refused('use a DestinationRule with a consistent hash of a cookie or header');

const httpRule = z
  .strictObject({
    name: z.string().optional().describe('Name of the rule in access logs. Default: its number.'),
    matches: z.array(httpMatch).default([]).describe('Blocks of which one must hold. Default: all requests.'),
    filters: httpFilters.describe('What is done to requests and answers.'),
    backendRefs: z
      .array(
        withServicePort(
          z.strictObject({
            ...weightedBackend,
            filters: httpBackendFilters.describe('What is done to the requests of this share, and to their answers.'),
          }),
        ),
      )
      .default([])
      .describe('What gets the requests.'),
    timeouts: z
      .strictObject({
        request: duration.optional().describe('For a request with its retries; `0s` for no limit.'),
        backendRequest: duration.optional().describe('For each try; `0s` for no limit.'),
      })
      .refine(({ request = 0, backendRequest = 0 }) => request === 0 || backendRequest <= request, {
        path: ['backendRequest'],
        error: 'must not be longer than request',
      })
      .optional()
      .describe('Limits of time. Default: none.'),
    retry: z
      .strictObject({
        codes: z
          .array(z.int().min(400).max(599))
          .default([])
          .describe('Statuses that are tried again, beside connections that fail.'),
        attempts: z.int().min(1).optional().describe('Number of retries. Default: 2.'),
        backoff: duration.optional().describe('Envoy waits for a random time up to this, then for longer ones.'),
      })
      .optional()
      .describe('Default: requests that the application cannot have started to process are tried twice more.'),
    sessionPersistence: sessions,
  })
  .superRefine(({ matches, filters, backendRefs }, context) => {
    if (filters.some(({ type }) => type === 'RequestRedirect') && backendRefs.length > 0) {
      const message = 'must be empty beside the filter RequestRedirect, which answers all requests';
      context.addIssue({ code: 'custom', path: ['backendRefs'], message });
    }
    filters.forEach(({ type, requestRedirect, urlRewrite }, index) => {
      if (type === 'RequestMirror' && filters.some((other) => other.type === 'RequestRedirect')) {
        const message = 'RequestMirror has no effect beside RequestRedirect: such requests are sent nowhere';
        context.addIssue({ code: 'custom', path: ['filters', index, 'type'], message });
      }
      if ((requestRedirect ?? urlRewrite)?.path?.type !== 'ReplacePrefixMatch') return;
      if (matches.every((match) => match.path.type === 'PathPrefix')) return;
      const member = requestRedirect === undefined ? 'urlRewrite' : 'requestRedirect';
      const message = 'ReplacePrefixMatch needs a path of type PathPrefix in every match of the rule';
      context.addIssue({ code: 'custom', path: ['filters', index, member, 'path', 'type'], message });
    });
  });

const grpcMethod = z
  .strictObject({
    type: z.enum(['Exact', 'RegularExpression']).default('Exact').describe('Default: `Exact`.'),
    service: z.string().max(1024).default('').describe('Full name of the service. Default: all.'),
    method: z.string().max(1024).default('').describe('Name of the method. Default: all.'),
  })
  .superRefine(({ type, service, method }, context) => {
    const problem = (name: 'service' | 'method', message: string): void =>
      context.addIssue({ code: 'custom', path: [name], input: name === 'service' ? service : method, message });
    if (service === '' && method === '') problem('method', 'is required where service is not given');
    if (type === 'RegularExpression') {
      if (service !== '') checkRegularExpression(service, 'service', context);
      if (method !== '') checkRegularExpression(method, 'method', context);
      return;
    }
    if (!/^(\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*)?$/i.test(service)) {
      problem('service', 'must be the full name of a gRPC service, such as shop.v1.Cart');
    }
    if (!/^([a-z_][a-z_0-9]*)?$/i.test(method)) problem('method', 'must be the name of a gRPC method, such as Add');
  });

const grpcRule = z.strictObject({
  name: z.string().optional().describe('Name of the rule in access logs. Default: its number.'),
  matches: z
    .array(
      z.strictObject({
        method: grpcMethod.optional().describe('The method that is called.'),
        headers: z.array(headerMatch).default([]).describe('Headers that must all be so.'),
      }),
    )
    .default([])
    .describe('Blocks of which one must hold. Default: all requests of gRPC.'),
  filters: grpcFilters.describe('What is done to requests and answers.'),
  backendRefs: z
    .array(
      withServicePort(
        z.strictObject({
          ...weightedBackend,
          filters: grpcBackendFilters.describe('What is done to the requests of this share, and to their answers.'),
        }),
      ),
    )
    .default([])
    .describe('What gets the requests.'),
  sessionPersistence: sessions,
});

const common = {
  parentRefs: z
    .array(parentRef)
    .default([])
    .describe('Services whose requests are meant. A route without any says nothing in the mesh.'),
  useDefaultGateways: z.string().optional().describe('None of the mesh.'),
  hostnames: z.array(z.string()).default([]).describe('Has no effect: the address that is called decides.'),
};

/** A rule of an HTTPRoute. */
export type HttpRouteRule = z.output<typeof httpRule>;

/** A rule of a GRPCRoute. */
export type GrpcRouteRule = z.output<typeof grpcRule>;

/** Schema of the `spec` of an HTTPRoute. */
export const httpRouteSpec = z.strictObject({
  ...common,
  rules: z
    .array(httpRule)
    .prefault([{}])
    .describe('Rules; which one counts is decided by what its matches say, not by their order.'),
});
/** Schema of the `spec` of a GRPCRoute. */
export const grpcRouteSpec = z.strictObject({
  ...common,
  rules: z
    .array(grpcRule)
    .default([])
    .describe('Rules; which one counts is decided by what its matches say, not by their order.'),
});

/** The `spec` of an HTTPRoute. */
export type HttpRoute = z.output<typeof httpRouteSpec>;

/** The `spec` of a GRPCRoute. */
export type GrpcRoute = z.output<typeof grpcRouteSpec>;

function hostnamesFinding({ hostnames }: HttpRoute | GrpcRoute): readonly Finding[] {
  if (hostnames.length === 0) return [];
  const sentence =
    'has no effect for parents of kind Service: the address that is called decides, not the Host header; remove it, or match the header Host';
  return [{ field: '/spec/hostnames', effect: 'without-effect', code: 'HostnamesIgnored', sentence }];
}

/** Only the first of several conditions for one name counts, as Gateway API has it. */
function repeatedFindings({ rules }: HttpRoute | GrpcRoute): readonly Finding[] {
  return rules.flatMap(({ matches }, rule) =>
    matches.flatMap((match, index) =>
      (['headers', 'queryParams'] as const).flatMap((list) => {
        const conditions = list === 'headers' ? match.headers : 'queryParams' in match ? match.queryParams : [];
        return conditions.flatMap(({ name }, at): readonly Finding[] => {
          if (conditions.findIndex((other) => other.name === name) === at) return [];
          const sentence = `${name} is compared already: only the first entry of a name counts; remove this one`;
          const field = `/spec/rules/${rule}/matches/${index}/${list}/${at}`;
          return [{ field, effect: 'without-effect', code: 'RepeatedName', sentence }];
        });
      }),
    ),
  );
}

function backendFindings({ rules }: HttpRoute | GrpcRoute): readonly Finding[] {
  return rules.flatMap(({ backendRefs, filters }, index): readonly Finding[] => {
    const isRedirect = filters.some(({ type }) => type === 'RequestRedirect');
    if (isRedirect || backendRefs.some(({ weight }) => weight > 0)) return [];
    const sentence = 'no backend gets requests, so all are answered with an error; name one with a weight above 0';
    return [{ field: `/spec/rules/${index}/backendRefs`, effect: 'warning', code: 'NoBackend', sentence }];
  });
}

function backoffFindings({ rules }: HttpRoute): readonly Finding[] {
  return rules.flatMap(({ retry }, index): readonly Finding[] => {
    if (retry?.backoff === undefined) return [];
    const sentence =
      'Envoy waits for a random time up to this before the first retry, and for longer ones before others, not at least this';
    return [{ field: `/spec/rules/${index}/retry/backoff`, effect: 'warning', code: 'BackoffIsRandom', sentence }];
  });
}

/** Parents that were meant to be Services, and are of a group that has none. */
function groupFindings(parents: readonly JsonObject[]): readonly Finding[] {
  return parents.flatMap((parent, index): readonly Finding[] => {
    if (stringMember(parent, 'kind') !== 'Service' || stringMember(parent, 'group') === '') return [];
    const sentence = `a Service is of the core group: write group: ""`;
    return [{ field: `/spec/parentRefs/${index}/group`, effect: 'without-effect', code: 'WrongGroup', sentence }];
  });
}

/** Returns whether a route's parent is a Service. */
export function isService({ group, kind }: { readonly group?: unknown; readonly kind?: unknown }): boolean {
  return group === '' && kind === 'Service';
}

/** Returns the parents that an object names, also if the route is refused; entries that cannot be read are left out. */
export function parentRefsOf(object: JsonObject): readonly ParentRef[] {
  // A field of a later version of Gateway API is none of what tells parents apart.
  const lenient = z.object(parentRef.shape);
  const parents = objectsMember(objectMember(object, 'spec'), 'parentRefs').map((one) => lenient.safeParse(one));
  return parents.flatMap(({ data }) => data ?? []);
}

/** A route of Gateways only is read by whoever runs these; here, it says nothing. */
function readRoute<S extends HttpRoute | GrpcRoute>(
  kind: 'HTTPRoute' | 'GRPCRoute',
  object: JsonObject,
  schema: z.ZodType<S>,
  check: (spec: S) => readonly Finding[],
): Rule<S> {
  const parents = objectsMember(objectMember(object, 'spec'), 'parentRefs');
  const misled = groupFindings(parents);
  if (!parents.some(isService)) {
    return { ref: refOf(kind, object), spec: schema.parse({ parentRefs: [], rules: [] }), findings: misled };
  }
  return readRule(kind, object, schema, (spec) => [
    ...misled,
    ...hostnamesFinding(spec),
    ...repeatedFindings(spec),
    ...backendFindings(spec),
    ...check(spec),
  ]);
}

/** Reads an HTTPRoute. One without a Service among its parents has no parents and no rules. */
export function readHttpRoute(object: JsonObject): Rule<HttpRoute> {
  return readRoute('HTTPRoute', object, httpRouteSpec, backoffFindings);
}

/** Reads a GRPCRoute. One without a Service among its parents has no parents and no rules. */
export function readGrpcRoute(object: JsonObject): Rule<GrpcRoute> {
  return readRoute('GRPCRoute', object, grpcRouteSpec, () => []);
}
