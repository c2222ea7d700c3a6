import type { Backend, Forward, RequestMatch, RouteRule } from '../../../src/mesh/plan/route-plan.ts';
import { plainTraffic, type ServiceTraffic } from '../../../src/mesh/plan/traffic-policy.ts';

/** Port 80 of a Service in the namespace `shop`, or of a subset. */
export function backend(name: string, more: Partial<Backend> = {}): Backend {
  return { service: `shop/${name}`, host: `${name}.shop.svc.cluster.local`, port: 80, ...more };
}

/** A match of everything but for what is given. */
export function matching(match: Partial<RequestMatch> = {}): RequestMatch {
  return { headers: [], query: [], ...match };
}

/** Sends requests to backends, all with the same weight. */
export function forward(backends: readonly (Backend | undefined)[], more: Partial<Forward> = {}): Forward {
  return { type: 'forward', destinations: backends.map((one) => ({ backend: one, weight: 1 })), mirrors: [], ...more };
}

/** A rule for everything but for what is given. */
export function rule(action: RouteRule['action'], more: Partial<RouteRule> = {}): RouteRule {
  return { name: 'r', match: matching(), action, ...more };
}

/** Rules for port 80, and whatever else is given. */
export function trafficWith(rules: readonly RouteRule[], more: Partial<ServiceTraffic> = {}): ServiceTraffic {
  return { ...plainTraffic, routes: new Map([[80, { rules, origins: [] }]]), ...more };
}
