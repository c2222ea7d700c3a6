import { restoreCopy, withoutCopy } from '../../../envoy/forwarded-proto.ts';
import { grpcRoutes } from '../../../envoy/grpc-messages.ts';
import { connect, forwardEverything } from '../../../envoy/routes.ts';
import { ruleFilterConfig } from '../../../envoy/rule-filters.ts';
import { objectMember, objectsMember, type JsonObject } from '../../../json/json.ts';
import type { Backend, RoutePlan, RouteRule } from '../../plan/route-plan.ts';
import { forwardAction, type Clusters } from './forward-action.ts';
import { headerChanges } from './header-changes.ts';
import { redirectActions, type ConditionalAction } from './redirect.ts';
import { isEverything, mayBeGrpc, routeMatch } from './request-match.ts';
import { corsPolicy, httpFault } from './rule-filters.ts';

/** Body that Envoy sends by itself unless it is told that it may be longer. */
const usualBodyBytes = 4096;

function bodyBytes({ action }: RouteRule): number {
  return action.type === 'answer' ? (action.body?.length ?? 0) : 0;
}

/** Returns what a rule does with requests of CONNECT: with a path, Envoy would not send them. */
function ofConnect(rule: RouteRule): RouteRule {
  if (rule.action.type !== 'forward') return rule;
  const { path: _path, ...action } = rule.action;
  return { ...rule, action };
}

/** Returns what a rule does, for gRPC and for other requests: actions, each with what must hold of a request's headers besides. */
function actionsOf({ action, match }: RouteRule, clusters: Clusters, isGrpc: boolean): readonly ConditionalAction[] {
  switch (action.type) {
    case 'forward':
      return [[[], forwardAction(action, match.path, clusters, isGrpc)]];
    case 'redirect':
      return redirectActions(action, match.path).map(([headers, redirect]) => [headers, { redirect }]);
    case 'answer': {
      const { status, body } = action;
      const inline_bytes = body === undefined ? undefined : Buffer.from(body).toString('base64');
      return [[[], { direct_response: { status, ...(inline_bytes === undefined ? {} : { body: { inline_bytes } }) } }]];
    }
  }
}

function alsoWith(match: JsonObject, headers: readonly JsonObject[]): JsonObject {
  return headers.length === 0 ? match : { ...match, headers: [...objectsMember(match, 'headers'), ...headers] };
}

/**
 * Returns the routes of a rule. Those that forward gRPC are routes of their own, because only they count messages. Requests of CONNECT have no path, so only
 * a rule for everything takes them.
 */
function routesOf(rule: RouteRule, clusters: Clusters): readonly JsonObject[] {
  const { name, requestHeaders, responseHeaders, cors, fault } = rule;
  const filters = ruleFilterConfig(cors && corsPolicy(cors), fault && httpFault(fault));
  const match = routeMatch(rule.match);
  const routes = (matching: JsonObject, config: JsonObject, isGrpc = false, of = rule): readonly JsonObject[] =>
    actionsOf(of, clusters, isGrpc).map(([headers, action]) => ({
      name,
      match: alsoWith(matching, headers),
      ...action,
      ...headerChanges('request', requestHeaders),
      ...headerChanges('response', responseHeaders),
      ...(Object.keys(config).length === 0 ? {} : { typed_per_filter_config: config }),
    }));
  const ofGrpc =
    rule.action.type === 'forward' && mayBeGrpc(rule.match)
      ? routes({ ...match, grpc: {} }, { ...grpcRoutes.ofMesh.typed_per_filter_config, ...filters }, true)
      : [];
  return [
    ...ofGrpc,
    ...(ofGrpc.length > 0 && rule.match.isGrpc === true ? [] : routes(match, filters)),
    ...(isEverything(rule.match) ? routes(connect, filters, false, ofConnect(rule)) : []),
  ];
}

/** Returns an `envoy.config.route.v3.RouteConfiguration` for all requests to an address, whatever their Host header is. */
export function routeConfiguration(name: string, { rules }: Pick<RoutePlan, 'rules'>, clusters: Clusters): JsonObject {
  const longest = Math.max(0, ...rules.map(bodyBytes));
  return {
    name,
    ...restoreCopy,
    ...(longest > usualBodyBytes ? { max_direct_response_body_size_bytes: longest } : {}),
    virtual_hosts: [
      { name, domains: ['*'], ...withoutCopy, routes: rules.flatMap((rule) => routesOf(rule, clusters)) },
    ],
  };
}

/** Returns the same for an address of which no object speaks: all requests go to the Service itself. */
export function plainConfiguration(name: string, service: Backend, clusters: Clusters): JsonObject {
  const forward = { type: 'forward', destinations: [{ backend: service, weight: 1 }], mirrors: [] } as const;
  const route = objectMember(forwardAction(forward, undefined, clusters, false), 'route') ?? {};
  return { name, ...forwardEverything(name, route, grpcRoutes.ofMesh), ...withoutCopy };
}
