import { viewPod } from '../pod/view.ts';
import { statusAnnotation } from '../pod/conventions.ts';
import { member, type JsonObject } from '../json/json.ts';
import type { Injector } from './injector.ts';
import { parseStatus, type InjectionStatus } from './patch/status.ts';
import type { Reasons } from './policy/reason.ts';
import { asKnown } from './namespace-facts.ts';
import type { NamespaceFacts } from './snapshot.ts';
import { selectEntry, type EntrySelectors } from './policy/registration.ts';

/** What has become of a stored pod, compared with what admission would do to a new one like it. */
export type Standing =
  /** Injected, by these settings and this version or by others. */
  | { readonly state: 'injected'; readonly status: InjectionStatus; readonly isOutdated: boolean }
  /** A new one would be injected; this one was not. */
  | { readonly state: 'missed' }
  /** It is there without a sidecar, and a new one would be denied. */
  | { readonly state: 'denied'; readonly reasons: Reasons }
  /** It is as it should be: nothing selects it, or the injection policy leaves it alone. */
  | { readonly state: 'left-alone' };

/** A namespace with the labels and annotations that decisions depend on. */
export interface PodNamespace extends NamespaceFacts {
  readonly name: string;
}

/**
 * Compares a stored pod with what would be decided about a new one.
 *
 * @param entries of the registration in force
 */
export function standingOf(
  pod: JsonObject,
  { name: namespace, labels, annotations }: PodNamespace,
  entries: readonly EntrySelectors[],
  injector: Injector,
): Standing {
  const view = viewPod(pod);
  const written = member(view.annotations, statusAnnotation);
  const status = written === undefined ? undefined : parseStatus(written);
  const { snapshot } = injector;
  if (status !== undefined) {
    const isOutdated = status.settingsHash !== snapshot.hash || status.version !== snapshot.version;
    return { state: 'injected', status, isOutdated };
  }
  const asked = selectEntry({ ...labels, 'kubernetes.io/metadata.name': namespace }, pod, entries);
  if (!asked.called) return { state: 'left-alone' };
  const { outcome, reasons } = injector.decide({ pod, namespace, ...asKnown({ labels, annotations }) });
  if (outcome === 'skip') return { state: 'left-alone' };
  return outcome === 'inject' ? { state: 'missed' } : { state: 'denied', reasons };
}
