import type { Effective } from '../../settings/effective.ts';
import type { Json, JsonObject } from '../../settings/json.ts';
import type { PlacedContainer } from '../fragment.ts';
import type { ProxyInput } from './proxy-input.ts';
import { proxyFragment, type ProxyFragment } from './proxy.ts';

/** The built-in sidecar's fragments, remembered: the pods of one workload all get the same. */
export interface PreparedProxies {
  /** The same as `proxyFragment`, with the containers' JSON texts. The caller may change their `args` and `env`. */
  fragmentOf(input: ProxyInput): ProxyFragment;
}

/** One takes some 30 KB. */
const capacity = 128;

/** Characters of what a fragment depends on; more than a person writes is made anew, so that no pod fills the memory. */
const longestKey = 16_384;

function withTexts(fragment: ProxyFragment): ProxyFragment {
  const containers = fragment.containers.map((placed) => ({ ...placed, json: JSON.stringify(placed.container) }));
  return { ...fragment, containers };
}

/** Arguments and variables are edited in place when a pod is injected again; the next pod must not see that. */
function withOwnLists(placed: PlacedContainer): PlacedContainer {
  const { args, env } = placed.container;
  return {
    ...placed,
    container: {
      ...placed.container,
      ...(Array.isArray(args) ? { args: [...(args as readonly Json[])] } : {}),
      ...(Array.isArray(env) ? { env: env.map((entry: JsonObject) => ({ ...entry })) } : {}),
    },
  };
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
      if (key.length > longestKey) return withTexts(proxyFragment(input));
      const known = prepared.get(key);
      const fragment = known ?? withTexts(proxyFragment(input));
      // A map keeps the order of insertion, so the first key is the one that was not used for longest.
      prepared.delete(key);
      const [oldest] = prepared.keys();
      if (prepared.size >= capacity && oldest !== undefined) prepared.delete(oldest);
      prepared.set(key, fragment);
      return { ...fragment, containers: fragment.containers.map(withOwnLists) };
    },
  };
}
