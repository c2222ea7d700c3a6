import { freezeDeep, isSame } from '../../json/json.ts';
import { rememberRecent } from './recently-used.ts';
import type { ProxyIntent } from '../../envoy/intent.ts';
import { proxyUser } from '../../pod/conventions.ts';
import type { PodSettings } from '../../settings/effective.ts';
import type { PlacedContainer } from '../../sidecars/fragment.ts';
import { initContainer } from '../../sidecars/standalone/init-container.ts';
import { proxyFragment, type InitContainerOf, type ProxyFragment } from '../../sidecars/standalone/proxy.ts';

/** The built-in sidecar's fragments, remembered: the pods of one workload all get the same. */
export interface RememberedFragments {
  /** The same as `proxyFragment`, with the containers' JSON texts, and frozen: nobody can change what others get. */
  fragmentOf(intent: ProxyIntent): ProxyFragment;
  /** Remembers a fragment that came from `fragmentOf`, once the pod that it was made for is accepted. */
  keep(fragment: ProxyFragment): void;
}

/**
 * One of a usual workload weighs some 100 KiB. What is larger cannot run anyway: Linux takes 128 KiB in one argument
 * (execve(2), MAX_ARG_STRLEN), and the bootstrap is one.
 */
const bounds = { entries: 128, entryBytes: 512 * 1024, bytes: 16 * 1024 * 1024 } as const;

/** Probes of a pod whose fragment is worth keeping; no pod may fill the memory. */
const mostProbes = 64;

interface Remembered {
  readonly key: string;
  readonly intent: ProxyIntent;
  readonly fragment: ProxyFragment;
}

/**
 * Remembers the init containers of pods that say nothing about what is captured: they depend on the settings alone, which
 * the snapshot owns. Nothing of a pod is kept.
 */
function rememberInitContainers(): InitContainerOf {
  const known = new WeakMap<PodSettings, PlacedContainer['container']>();
  return ({ settings, identity, probePorts }, capture) => {
    const isPlain = identity.uid === proxyUser.uid && identity.gid === proxyUser.gid && probePorts.length === 0;
    if (!isPlain) return initContainer(settings, capture);
    const found = known.get(settings);
    if (found !== undefined) return found;
    const made = freezeDeep(initContainer(settings, capture));
    known.set(settings, made);
    return made;
  };
}

/** Tells workloads and their revisions apart well enough to find what to compare with; equality decides. */
function keyOf({ workload, native, probes, settings }: ProxyIntent): string {
  let key = `${workload.kind}/${workload.name} ${native} ${settings.profile}`;
  for (const { path, action } of probes) key += ` ${path} ${action.port}`;
  return key;
}

/** Remembers the fragments that were used last. A fragment is used again for an intent that is alike in every member. */
export function rememberFragments(): RememberedFragments {
  const prepared = rememberRecent<Remembered>(bounds, ({ intent, fragment }) => [intent, fragment]);
  const candidates = new WeakMap<ProxyFragment, Remembered>();
  const initContainerOf = rememberInitContainers();
  const texts = new WeakMap<PlacedContainer['container'], { readonly text: string }>();
  const textOf = (container: PlacedContainer['container']): { readonly text: string } => {
    const known = texts.get(container) ?? { text: JSON.stringify(container) };
    texts.set(container, known);
    return known;
  };
  /** Frozen, because the next pod gets the same object. */
  const prepare = (intent: ProxyIntent): ProxyFragment => {
    const fragment = proxyFragment(intent, initContainerOf);
    const containers = fragment.containers.map((placed) => ({ ...placed, text: textOf(placed.container) }));
    return freezeDeep({ ...fragment, containers });
  };
  return {
    fragmentOf(intent) {
      if (intent.probes.length > mostProbes) return prepare(intent);
      const key = keyOf(intent);
      const known = prepared.get(key);
      if (known !== undefined && isSame(known.intent, intent)) {
        prepared.put(key, known);
        return known.fragment;
      }
      const fragment = prepare(intent);
      candidates.set(fragment, { key, intent, fragment });
      return fragment;
    },
    keep(fragment) {
      const candidate = candidates.get(fragment);
      if (candidate === undefined) return;
      candidates.delete(fragment);
      prepared.put(candidate.key, candidate);
    },
  };
}
