import type { JsonObject } from '../../json/json.ts';
import type { AccessPlan } from '../plan/access-plan.ts';

/** Returns the `typed_per_filter_config` of the routes of a pod: who may make requests. */
export function httpAccess({ policies: _ }: AccessPlan): JsonObject {
  return {};
}

/** Returns the network filters that come before a connection without HTTP is proxied: who may have one. */
export function tcpAccess({ policies: _ }: AccessPlan): readonly JsonObject[] {
  return [];
}
