import { isObject, objectMember, type Json, type JsonObject } from '../../json/json.ts';
import type { Amounts, ContainerResources } from '../../pod/resources.ts';

/** Resources that the settings know; of all others, only the pod's own copy can speak. */
const known: ReadonlySet<string> = new Set(['cpu', 'memory', 'ephemeral-storage']);

const lists = ['requests', 'limits'] as const;

/** Returns the quantity as text, as which the settings have it. */
function quantityOf(name: string, value: Json | undefined): string | undefined {
  if (!known.has(name)) return undefined;
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value : undefined;
}

/**
 * Divides the resources of a pod's own copy into `settled`, which become part of the injected container before anything
 * is built from them, and `others`, which are laid over it: further resources, and what is no quantity.
 */
export function settledResources(resources: JsonObject | undefined): {
  readonly settled: ContainerResources;
  readonly others: JsonObject;
} {
  const settled: Record<(typeof lists)[number], Amounts> = { requests: {}, limits: {} };
  const others: Record<string, Json> = {};
  for (const [field, value] of Object.entries(resources ?? {})) {
    const list = lists.find((name) => name === field);
    if (value === undefined) continue;
    if (list === undefined || !isObject(value)) {
      others[field] = value;
      continue;
    }
    const rest: [string, Json | undefined][] = [];
    for (const [name, amount] of Object.entries(value)) {
      const quantity = quantityOf(name, amount);
      if (quantity === undefined) rest.push([name, amount]);
      else settled[list][name] = quantity;
    }
    if (rest.length > 0) others[field] = Object.fromEntries(rest);
  }
  return { settled, others };
}

/** Returns what the copy of an injected container says about CPU, memory and disk. */
export function ownResources(copy: JsonObject | undefined): ContainerResources {
  return settledResources(objectMember(copy, 'resources')).settled;
}
