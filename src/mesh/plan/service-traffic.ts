import type { Finding } from '../rules/finding.ts';
import type { World } from '../world/world.ts';
import type { Domains } from './service-plan.ts';
import { plainTraffic, type ServiceTraffic } from './traffic-policy.ts';
import type { View } from './view.ts';

/** What objects say about the calls of one Service by some of its clients. */
export interface PlannedTraffic {
  readonly traffic: ServiceTraffic;
  /** Ports whose last good routes stay, because objects name what does not exist; they have no routes in `traffic`. */
  readonly heldPorts: ReadonlySet<number>;
  /** What authors should know, by the key of their object. */
  readonly findings: ReadonlyMap<string, readonly Finding[]>;
}

/** Returns whether clients of a Service may be told different things, by their namespace or their labels. */
export function dependsOnClient(_world: World, _key: string): boolean {
  return false;
}

/** Returns what objects say about the calls of a Service by clients of a view. */
export function planTraffic(_world: World, _key: string, _view: View, _domains: Domains): PlannedTraffic {
  return { traffic: plainTraffic, heldPorts: new Set(), findings: new Map() };
}
