import type { JsonObject } from '../../json/json.ts';
import type { Resources } from '../../settings/schema/values.ts';

export function resourcesOf(resources: Resources): JsonObject {
  return { requests: { ...resources.requests }, limits: { ...resources.limits } };
}
