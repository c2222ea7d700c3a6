import { outboundListener, inboundListener, plainRoutes, type MeshInbound } from '../../../src/envoy/listeners.ts';
import type { TrafficIntent } from '../../../src/envoy/intent.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { openAccess } from '../../../src/mesh/plan/access-plan.ts';
import { permissive } from '../../../src/mesh/plan/peer-modes.ts';
import type { InboundPlan } from '../../../src/mesh/plan/inbound-plan.ts';

/** What is let in where no object says anything. */
export const openInbound: InboundPlan = { modes: permissive, access: openAccess, limits: [] };

/** Returns the listeners of captured connections of a proxy in a mesh. */
export function meshListeners(traffic: TrafficIntent, changes: Partial<MeshInbound> = {}): readonly JsonObject[] {
  const routes = plainRoutes(traffic.settings.proxy);
  const mesh: MeshInbound = {
    trustDomain: 'cluster.local',
    takes: { plainText: true, mutualTls: true },
    ports: new Map(),
    access: [],
    ...changes,
  };
  return [outboundListener(traffic, routes.outbound, true), inboundListener(traffic, routes.inbound, mesh)];
}
