import type { Backend, RoutePlan } from '../plan/route-plan.ts';
import type { PlannedTraffic } from '../plan/service-traffic.ts';
import { plainTraffic, type ServiceTraffic, type SubsetPlan } from '../plan/traffic-policy.ts';
import type { Finding } from '../rules/finding.ts';

/** What is in force for clients of one view: what is planned, and where that names what does not exist, what was good the last time. */
export interface GoodTraffic {
  /**
   * Plans Services anew. Returns their keys, with those of others that keep subsets for routes that stay, or need not any more.
   */
  take(keys: Iterable<string>, plan: (key: string) => PlannedTraffic): ReadonlySet<string>;
  /** Returns what is in force for a Service. */
  of(key: string): ServiceTraffic;
  /** Returns what the authors of objects should know, by the key of the object, for each Service. */
  findings(): Iterable<ReadonlyMap<string, readonly Finding[]>>;
  /** Returns whether a Service was ever planned here. */
  knows(key: string): boolean;
  /** What is in force for Services of which objects say something. */
  readonly inForce: () => ReadonlyMap<string, ServiceTraffic>;
}

type Routes = ReadonlyMap<number, RoutePlan>;

function backendsOf(routes: Iterable<RoutePlan>): readonly Backend[] {
  return [...routes].flatMap(({ rules }) =>
    rules.flatMap(({ action }) =>
      action.type === 'forward'
        ? [...action.destinations, ...action.mirrors].flatMap(({ backend }) => backend ?? [])
        : [],
    ),
  );
}

function isPlain({ routes, policies, subsets }: ServiceTraffic): boolean {
  return routes.size === 0 && policies.size === 0 && subsets.length === 0;
}

/**
 * Creates a memory without anything that was good.
 *
 * @param isDestination whether routes lead to a Service
 * @param above what was good for clients of which nothing else is known
 */
export function createGoodTraffic(isDestination: (key: string) => boolean, above?: GoodTraffic): GoodTraffic {
  const inForce = new Map<string, ServiceTraffic>();
  /** Routes that stay although they are not planned any more. */
  const held = new Map<string, Routes>();
  const findings = new Map<string, PlannedTraffic['findings']>();

  const known = new Set<string>();

  const of = (key: string): ServiceTraffic => inForce.get(key) ?? plainTraffic;

  function hold(key: string, heldPorts: ReadonlySet<number>): Routes {
    return new Map(
      [...heldPorts].flatMap((port) => {
        const last = of(key).routes.get(port) ?? above?.of(key).routes.get(port);
        return last === undefined ? [] : [[port, last] as const];
      }),
    );
  }

  /** Returns subsets that routes need which stay, and that are not planned any more. */
  function keptSubsets(key: string, planned: readonly SubsetPlan[]): readonly SubsetPlan[] {
    const needed = new Set(
      [...held.values()].flatMap((routes) =>
        backendsOf(routes.values()).flatMap(({ service, subset }) => (service === key ? (subset ?? []) : [])),
      ),
    );
    for (const { name } of planned) needed.delete(name);
    const known = [...of(key).subsets, ...(above?.of(key).subsets ?? [])];
    return [...needed].flatMap((name) => known.find((one) => one.name === name) ?? []);
  }

  return {
    take(keys, plan) {
      const plans = new Map<string, PlannedTraffic>();
      const all = new Set(keys);
      for (const key of all) {
        const planned = plan(key);
        plans.set(key, planned);
        known.add(key);
        const before = held.get(key);
        const now = hold(key, planned.heldPorts);
        if (now.size === 0) held.delete(key);
        else held.set(key, now);
        for (const { service } of backendsOf([...(before?.values() ?? []), ...now.values()])) all.add(service);
      }
      for (const [key, planned] of plans) {
        const { traffic } = planned;
        const next: ServiceTraffic = {
          ...traffic,
          routes: new Map([...traffic.routes, ...(held.get(key) ?? [])]),
          subsets: [...traffic.subsets, ...keptSubsets(key, traffic.subsets)],
          isDestination: isDestination(key) || [...held.values()].some((routes) => leadsTo(routes, key)),
        };
        if (isPlain(next) && next.isDestination !== true) inForce.delete(key);
        else inForce.set(key, next);
        if (planned.findings.size === 0) findings.delete(key);
        else findings.set(key, planned.findings);
      }
      return all;
    },
    of,
    findings: () => findings.values(),
    knows: (key) => known.has(key),
    inForce: () => inForce,
  };
}

function leadsTo(routes: Routes, key: string): boolean {
  return backendsOf(routes.values()).some(({ service }) => service === key);
}
