import { objectMember, type Json, type JsonObject } from '../../json/json.ts';
import { parseQuantity } from '../../grammar/quantity.ts';

interface Asked {
  readonly requests: JsonObject;
  readonly limits: JsonObject;
}

function amount(value: Json | undefined): number | undefined {
  return typeof value === 'string' ? parseQuantity(value) : undefined;
}

/**
 * Lays requested resources over the base, one resource at a time. The API server rejects a request above its limit, so
 * whichever of the two was not asked for follows the other.
 */
export function withAsked(base: JsonObject, asked: Asked): JsonObject {
  const requests = { ...objectMember(base, 'requests'), ...asked.requests };
  const limits = { ...objectMember(base, 'limits'), ...asked.limits };
  for (const name of Object.keys(requests)) {
    const [least, most] = [amount(requests[name]), amount(limits[name])];
    if (least === undefined || most === undefined || least <= most) continue;
    if (!Object.hasOwn(asked.requests, name)) requests[name] = limits[name];
    else if (!Object.hasOwn(asked.limits, name)) limits[name] = requests[name];
  }
  const filled = (list: JsonObject): boolean => Object.keys(list).length > 0;
  return { ...(filled(limits) ? { limits } : {}), ...(filled(requests) ? { requests } : {}) };
}
