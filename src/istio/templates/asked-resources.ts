import { objectMember, type JsonObject } from '../../json/json.ts';
import { balance } from '../../pod/resources.ts';

interface Asked {
  readonly requests: JsonObject;
  readonly limits: JsonObject;
}

/**
 * Lays requested resources over the base, one resource at a time. The API server rejects a request above its limit, so
 * whichever of the two was not asked for follows the other.
 */
export function withAsked(base: JsonObject, asked: Asked): JsonObject {
  const requests = { ...objectMember(base, 'requests'), ...asked.requests };
  const limits = { ...objectMember(base, 'limits'), ...asked.limits };
  balance({ requests, limits }, asked);
  const filled = (list: JsonObject): boolean => Object.keys(list).length > 0;
  return { ...(filled(limits) ? { limits } : {}), ...(filled(requests) ? { requests } : {}) };
}
