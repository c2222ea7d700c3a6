import type { Effective } from '../settings/effective.ts';
import type { Json } from '../settings/json.ts';
import type { PlacedContainer } from './fragment.ts';
import { proxyFragment, type ProxyFragment, type ProxyInput } from './proxy.ts';

/** The built-in sidecar's fragments, remembered: the pods of one workload all get the same. */
export interface PreparedProxies {
  /** The same as `proxyFragment`, with the containers' JSON texts. The caller may change the containers. */
  fragmentOf(input: ProxyInput): ProxyFragment;
}

/** One takes some 30 KB. */
const capacity = 128;

function copyOf<T extends Json>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf) as unknown as T;
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) copy[key] = member === undefined ? undefined : copyOf(member);
  return copy as T;
}

function withTexts(fragment: ProxyFragment): ProxyFragment {
  const containers = fragment.containers.map((placed) => ({ ...placed, json: JSON.stringify(placed.container) }));
  return { ...fragment, containers };
}

/** What is added to one pod may be edited there later, and must not change what the next pod gets. */
function withOwnContainers(fragment: ProxyFragment): ProxyFragment {
  const containers = fragment.containers.map((placed): PlacedContainer => ({
    ...placed,
    container: copyOf(placed.container),
  }));
  return { ...fragment, containers };
}

/**
 * Remembers the fragments that were used last, by everything that they depend on. `bases` are the effective settings of
 * pods without annotations; they are told apart by identity, which is cheaper than by content.
 */
export function prepareProxies(bases: Iterable<Effective>): PreparedProxies {
  const baseKeys = new Map([...bases].map((base, index) => [base, String(index)]));
  const prepared = new Map<string, ProxyFragment>();
  return {
    fragmentOf(input) {
      const { effective, ...rest } = input;
      const key = `${baseKeys.get(effective) ?? JSON.stringify(effective)} ${JSON.stringify(rest)}`;
      const known = prepared.get(key);
      const fragment = known ?? withTexts(proxyFragment(input));
      // A map keeps the order of insertion, so the first key is the one that was not used for longest.
      prepared.delete(key);
      const [oldest] = prepared.keys();
      if (prepared.size >= capacity && oldest !== undefined) prepared.delete(oldest);
      prepared.set(key, fragment);
      return withOwnContainers(fragment);
    },
  };
}
