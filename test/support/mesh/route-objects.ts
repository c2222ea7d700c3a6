import type { JsonObject } from '../../../src/json/json.ts';
import { translateGatewayRoutes, type TranslatedGatewayRoutes } from '../../../src/mesh/plan/gateway-routes.ts';
import type { RouteContext } from '../../../src/mesh/plan/route-context.ts';
import { anyClient } from '../../../src/mesh/plan/view.ts';
import { readGrpcRoute, readHttpRoute, type GrpcRoute, type HttpRoute } from '../../../src/mesh/rules/gateway-route.ts';
import { readReferenceGrant } from '../../../src/mesh/rules/reference-grant.ts';
import type { Rules } from '../../../src/mesh/rules/rule-kinds.ts';
import type { Rule } from '../../../src/mesh/rules/rule.ts';
import { readService, type Service } from '../../../src/mesh/world/service.ts';

const services = new Map(
  ['shop/cart', 'shop/cart-v2', 'other/cart'].map((key): readonly [string, Service] => {
    const [namespace = '', name = ''] = key.split('/');
    const ports = [
      { name: 'http', port: 80 },
      { name: 'admin', port: 8080 },
    ];
    return [key, readService({ metadata: { namespace, name }, spec: { clusterIP: '10.96.0.1', ports } })];
  }),
);

/** The Services `shop/cart`, `shop/cart-v2` and `other/cart` with the ports 80 and 8080, of which port 80 of the first is called. */
export const routeContext: RouteContext = {
  view: anyClient,
  service: services.get('shop/cart') as Service,
  port: 80,
  hostOf: ({ name, namespace }) => `${name}.${namespace}.svc.cluster.local`,
  serviceAt: (namespace, name) => services.get(`${namespace}/${name}`),
  serviceOf: () => undefined,
  hasSubset: () => false,
  ruleOfClients: () => undefined,
  hashOf: () => undefined,
};

/** An object of a kind of routes, of the namespace `shop`, attached to the Service `cart`. */
export function routeObject(kind: 'HTTPRoute' | 'GRPCRoute', rules: readonly JsonObject[], metadata: JsonObject = {}) {
  const parentRefs = [{ group: '', kind: 'Service', name: 'cart' }];
  return { kind, metadata: { namespace: 'shop', name: 'route', ...metadata }, spec: { parentRefs, rules: [...rules] } };
}

/** Reads routes. */
export function routesOf(objects: readonly JsonObject[]): readonly (Rule<HttpRoute> | Rule<GrpcRoute>)[] {
  return objects.map((object) => (object['kind'] === 'GRPCRoute' ? readGrpcRoute(object) : readHttpRoute(object)));
}

/** Reads ReferenceGrants. */
export function grantsOf(objects: readonly JsonObject[]): Rules['ReferenceGrant'] {
  return new Map(objects.map(readReferenceGrant).map((rule) => [`${rule.ref.namespace}/${rule.ref.name}`, rule]));
}

/** Translates routes for port 80 of `shop/cart`. */
export function translated(
  objects: readonly JsonObject[],
  grants: readonly JsonObject[] = [],
): TranslatedGatewayRoutes {
  return translateGatewayRoutes(routesOf(objects), routeContext, grantsOf(grants));
}
