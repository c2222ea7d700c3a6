import { defaultsIn } from '../settings/namespace-defaults.ts';
import { pinnedVariantLabel } from '../settings/schema/variant.ts';
import type { InjectionRequest } from './decision.ts';
import { hashText } from './hash.ts';
import { namespaceOf, relevantFacts } from './namespace-facts.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Returns a hash of everything that a decision depends on except the pod: settings, templates and version, the cluster, and
 * what the namespace says. If it is the same, whatever of an injected pod differs from a new one was changed by others.
 */
export function hashInputs(request: Omit<InjectionRequest, 'pod'>, snapshot: Snapshot): string {
  const { hash, version, nativeSidecars, stableSidecars, sleepHook, settings } = snapshot;
  const namespace = namespaceOf(request, snapshot);
  const said = relevantFacts(namespace);
  // Istio has no defaults of namespaces.
  const idle = settings.mode === 'istiod' ? defaultsIn(namespace.annotations) : {};
  const annotations = Object.entries(said?.annotations ?? {})
    .filter(([name]) => !Object.hasOwn(idle, name))
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  const variant = said?.labels[pinnedVariantLabel] ?? null;
  return hashText(JSON.stringify([hash, version, nativeSidecars, stableSidecars, sleepHook, variant, annotations]));
}
