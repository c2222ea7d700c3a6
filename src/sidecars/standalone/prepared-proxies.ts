import { freezeDeep, isSame } from '../../settings/json.ts';
import { putLast } from '../../settings/recently-used.ts';
import type { ProxyInput } from './proxy-input.ts';
import { proxyFragment, type ProxyFragment } from './proxy.ts';

/** The built-in sidecar's fragments, remembered: the pods of one workload all get the same. */
export interface PreparedProxies {
  /** The same as `proxyFragment`, with the containers' JSON texts, and frozen: nobody can change what others get. */
  fragmentOf(input: ProxyInput): ProxyFragment;
}

/** One takes some 60 KB. */
const capacity = 128;

/** Probes of a pod whose fragment is worth keeping; no pod may fill the memory. */
const mostProbes = 64;

interface Remembered {
  readonly input: ProxyInput;
  readonly fragment: ProxyFragment;
}

/** Frozen, because the next pod gets the same object. */
function prepare(fragment: ProxyFragment): ProxyFragment {
  const containers = fragment.containers.map((placed) => ({
    ...placed,
    text: { text: JSON.stringify(placed.container) },
  }));
  return freezeDeep({ ...fragment, containers });
}

/** Tells workloads and their revisions apart well enough to find what to compare with; equality decides. */
function keyOf({ workload, native, probes, effective }: ProxyInput): string {
  let key = `${workload.kind}/${workload.name} ${native} ${effective.profile}`;
  for (const { path, action } of probes) key += ` ${path} ${action.port}`;
  return key;
}

/** Remembers the fragments that were used last. A fragment is used again for an input that is alike in every member. */
export function prepareProxies(): PreparedProxies {
  const prepared = new Map<string, Remembered>();
  return {
    fragmentOf(input) {
      if (input.probes.length > mostProbes) return prepare(proxyFragment(input));
      const key = keyOf(input);
      const known = prepared.get(key);
      const current =
        known !== undefined && isSame(known.input, input) ? known : { input, fragment: prepare(proxyFragment(input)) };
      putLast(prepared, key, current, capacity);
      return current.fragment;
    },
  };
}
