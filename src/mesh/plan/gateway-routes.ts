import type { Finding } from '../rules/finding.ts';
import type { GrpcRoute, HttpRoute } from '../rules/gateway-route.ts';
import type { Rule } from '../rules/rule.ts';
import type { Rules } from '../rules/rule-kinds.ts';
import type { RouteContext } from './route-context.ts';
import type { RouteRule } from './route-plan.ts';

/** Returns the rules that routes of Gateway API make together for one port, in the order in which they count. */
export function translateGatewayRoutes(
  _routes: readonly (Rule<HttpRoute> | Rule<GrpcRoute>)[],
  _context: RouteContext,
  _grants: Rules['ReferenceGrant'],
): { readonly rules: readonly RouteRule[]; readonly findings: ReadonlyMap<string, readonly Finding[]> } {
  return { rules: [], findings: new Map() };
}
