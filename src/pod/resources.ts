import { objectMember, type Json, type JsonObject } from '../json/json.ts';
import { parseQuantity } from '../grammar/quantity.ts';

/** Quantities by resource, to be changed in place. */
export type Amounts = { [resource: string]: Json | undefined };

/** Resources of one container, to be changed in place. */
export interface ContainerResources {
  readonly requests: Amounts;
  readonly limits: Amounts;
}

/** Resources by the lists in which they stand, of which only the names matter. */
export interface Asked {
  readonly requests: object;
  readonly limits: object;
}

/** Nobody has asked for anything: all resources are defaults. */
export const nothingAsked: Asked = { requests: {}, limits: {} };

/** Returns the number of a quantity, in base units, or undefined if it is none. */
export function amountOf(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? parseQuantity(value) : undefined;
}

/** Returns a copy of the container's resources; empty lists if it has none. */
export function resourcesIn(container: JsonObject | undefined): ContainerResources {
  const resources = objectMember(container, 'resources');
  return {
    requests: { ...objectMember(resources, 'requests') },
    limits: { ...objectMember(resources, 'limits') },
  };
}

function isAbove(request: Json | undefined, limit: Json | undefined): boolean {
  if (request === undefined || limit === undefined || request === limit) return false;
  const [least, most] = [amountOf(request), amountOf(limit)];
  return least !== undefined && most !== undefined && least > most;
}

/** Returns whether no request is above its limit. */
export function isBalanced({ requests, limits }: ContainerResources): boolean {
  return Object.keys(requests).every((resource) => !isAbove(requests[resource], limits[resource]));
}

/**
 * Resolves requests above their limits, which the API server rejects: a value that nobody asked for follows the one
 * that was asked for, else the request follows the limit. Returns the resources of which both were asked for; they stay
 * as they are.
 */
export function balance({ requests, limits }: ContainerResources, asked: Asked): string[] {
  return Object.keys(requests).filter((resource) => {
    if (!isAbove(requests[resource], limits[resource])) return false;
    if (!Object.hasOwn(asked.requests, resource)) requests[resource] = limits[resource];
    else if (!Object.hasOwn(asked.limits, resource)) limits[resource] = requests[resource];
    else return true;
    return false;
  });
}
