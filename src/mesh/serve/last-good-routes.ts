import type { RoutePlan } from '../plan/route-plan.ts';
import type { PlannedTraffic } from '../plan/service-traffic.ts';
import type { ServiceTraffic } from '../plan/traffic-policy.ts';

/** The routes that were last in force, for ports whose objects name what does not exist. */
export interface LastGoodRoutes {
  /** Returns what is in force now for an owner, such as a Service for some of its clients, and remembers it. */
  settle(owner: string, planned: PlannedTraffic): ServiceTraffic;
  forget(owner: string): void;
}

/** Creates an empty memory. Without last good routes, a port behaves as if no object spoke of it. */
export function rememberRoutes(): LastGoodRoutes {
  const known = new Map<string, ReadonlyMap<number, RoutePlan>>();
  return {
    settle(owner, { traffic, heldPorts }) {
      const last = known.get(owner);
      const held = [...heldPorts].flatMap((port) => {
        const plan = last?.get(port);
        return plan === undefined ? [] : [[port, plan] as const];
      });
      const routes = held.length === 0 ? traffic.routes : new Map([...traffic.routes, ...held]);
      if (routes.size === 0) known.delete(owner);
      else known.set(owner, routes);
      return held.length === 0 ? traffic : { ...traffic, routes };
    },
    forget: (owner) => void known.delete(owner),
  };
}
