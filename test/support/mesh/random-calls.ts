import type { JsonObject } from '../../../src/json/json.ts';
import type { Request } from '../../../src/mesh/explain/request.ts';
import * as fc from '../fast-check.ts';
import { destinationRule, virtualService } from './istio-objects.ts';
import { destinationRules, routes } from './random-istio.ts';
import { routeObject } from './route-objects.ts';

/*
 * Random calls of port 80 of the Service `shop/reviews`, which random rules are about.
 */

function service(name: string, address: string): JsonObject {
  const ports = [80, 81].map((port) => ({ name: `http-${port}`, port }));
  return {
    kind: 'Service',
    metadata: { namespace: 'shop', name, uid: name },
    spec: { clusterIP: address, clusterIPs: [address], ports },
  };
}

const services = [service('reviews', '10.96.0.5'), service('ratings', '10.96.0.6')];
const parentRefs = [{ group: '', kind: 'Service', name: 'reviews' }];

const value = fc.constantFrom('a', 'b', '/a');
const named = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'x-c'), { maxLength: 2 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.record({ name: fc.constant(name), value, type: fc.constantFrom('Exact', 'RegularExpression') }),
      ),
    ),
  );
const httpMatch = fc.record(
  {
    path: fc.oneof(
      fc.record({ type: fc.constantFrom('Exact', 'PathPrefix'), value: fc.constantFrom('/', '/a', '/a/b', '/A') }),
      fc.record({
        type: fc.constant('RegularExpression'),
        value: fc.constantFrom('/a/[0-9]+', '/[[:alpha:]]', '(?i)/a.*'),
      }),
    ),
    method: fc.constantFrom('GET', 'POST', 'OPTIONS'),
    headers: named,
    queryParams: named,
  },
  { requiredKeys: [] },
);
const path = fc.oneof(
  fc.record({ type: fc.constant('ReplaceFullPath'), replaceFullPath: fc.constantFrom('/full', '/') }),
  fc.record({ type: fc.constant('ReplacePrefixMatch'), replacePrefixMatch: fc.constantFrom('/to', '/') }),
);
const filter = fc.oneof(
  fc.record({
    type: fc.constant('URLRewrite'),
    urlRewrite: fc.record({ path, hostname: fc.constant('other.example') }, { requiredKeys: [] }),
  }),
  fc.record({
    type: fc.constant('RequestRedirect'),
    requestRedirect: fc.record(
      {
        scheme: fc.constantFrom('http', 'https'),
        hostname: fc.constant('other.example'),
        port: fc.constantFrom(80, 8080),
        path,
        statusCode: fc.constantFrom(301, 302, 307),
      },
      { requiredKeys: [] },
    ),
  }),
);
const backend = fc.record({
  name: fc.constantFrom('reviews', 'ratings', 'nobody'),
  port: fc.constantFrom(80, 81),
  weight: fc.integer({ min: 0, max: 3 }),
});
const httpRule = fc.record(
  {
    matches: fc.array(httpMatch, { maxLength: 3 }),
    filters: fc.array(filter, { maxLength: 1 }),
    backendRefs: fc.array(backend, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['backendRefs'] },
);
const grpcRule = fc.record(
  {
    matches: fc.array(
      fc.record(
        { method: fc.record({ service: fc.constant('a'), method: fc.constantFrom('', 'b') }), headers: named },
        { requiredKeys: [] },
      ),
      { maxLength: 2 },
    ),
    backendRefs: fc.array(backend, { minLength: 1, maxLength: 2 }),
  },
  { requiredKeys: ['backendRefs'] },
);

function attached(kind: 'HTTPRoute' | 'GRPCRoute', rules: readonly object[]): JsonObject {
  const object = routeObject(kind, rules as readonly JsonObject[], { name: kind.toLowerCase() });
  return { ...object, spec: { ...object.spec, parentRefs } };
}

const ofIstio = fc.tuple(routes, destinationRules).map(([http, rule]) => [virtualService(http), destinationRule(rule)]);
const ofGateway = fc
  .tuple(fc.array(httpRule, { minLength: 1, maxLength: 3 }), fc.array(grpcRule, { maxLength: 2 }))
  .map(([http, grpc]) => [attached('HTTPRoute', http), ...(grpc.length === 0 ? [] : [attached('GRPCRoute', grpc)])]);

/** The objects of a cluster with random rules of either language for `reviews`. */
export const randomRules: fc.Arbitrary<readonly JsonObject[]> = fc
  .oneof({ weight: 2, arbitrary: ofIstio }, { weight: 1, arbitrary: ofGateway })
  .map((rules) => [...services, ...rules]);

const header = fc.oneof(
  fc.tuple(
    fc.constantFrom('a', 'b', 'd', 'x-c', 'X-C', 'x-user', 'x-sidecar-injector-proto'),
    fc.constantFrom('a', 'b', '/a', 'GET', 'v1', ''),
  ),
  fc.tuple(fc.constant('x-forwarded-proto'), fc.constantFrom('http', 'https', 'a')),
  fc.tuple(
    fc.constant('content-type'),
    fc.constantFrom('application/grpc', 'application/grpc+proto', 'application/grpc-web', 'text/plain'),
  ),
  fc.tuple(fc.constant('origin'), fc.constantFrom('a', '/a/b', 'https://x')),
  fc.tuple(fc.constant('access-control-request-method'), fc.constantFrom('GET', 'PUT')),
);

const target = fc
  .tuple(
    fc.constantFrom('/', '/a', '/a/', '/a/b', '/a/b/c', '/ab', '/A', '/A/B', '/a/7', '/b'),
    fc.constantFrom('', '', '', '?', '?a=a', '?b=/a&a=b', '?x-c=v1', '?a', '?a=b&a=a'),
  )
  .map(([one, query]) => one + query);

/** A request as an application may send it. */
export const randomRequest: fc.Arbitrary<Request> = fc
  .record({
    method: fc.constantFrom('GET', 'GET', 'POST', 'OPTIONS', 'PUT', 'CONNECT'),
    path: target,
    authority: fc.constantFrom('reviews', 'reviews:80', 'a', 'v1', 'reviews:8080'),
    headers: fc.uniqueArray(header, { maxLength: 4, selector: ([name]) => name.toLowerCase() }),
    isHttp2: fc.boolean(),
  })
  .map((request) => (request.method === 'CONNECT' ? { ...request, path: '', authority: 'reviews:80' } : request));
