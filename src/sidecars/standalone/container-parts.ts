import { names, tokenPath } from '../../settings/constants.ts';
import type { JsonObject } from '../../settings/json.ts';
import type { Resources } from '../../settings/schema/values.ts';

/** Mounted over the place of the API token, so that none gets into our containers. */
export const tokenMask = { name: names.tokenMaskVolume, mountPath: tokenPath, readOnly: true };

export function resourcesOf(resources: Resources): JsonObject {
  return { requests: { ...resources.requests }, limits: { ...resources.limits } };
}
