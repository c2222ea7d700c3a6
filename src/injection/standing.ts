import { viewPod } from '../pod/view.ts';
import { statusAnnotation } from '../pod/conventions.ts';
import { member, type JsonObject } from '../json/json.ts';
import type { Injector } from './injector.ts';
import { parseStatus, type InjectionStatus } from './patch/status.ts';
import type { Reasons } from './policy/reason.ts';
import { asKnown, type PodNamespace } from './namespace-facts.ts';
import { renewalOf, type Renewal } from './renewal.ts';
import { selectEntry, type EntrySelectors } from './policy/registration.ts';

/** What has become of a stored pod, compared with what admission would do to a new one like it. */
export type Standing =
  /** Injected, as a new one would be or otherwise. */
  | { readonly state: 'injected'; readonly status: InjectionStatus; readonly renewal: Renewal }
  /** A new one would be injected; this one was not. */
  | { readonly state: 'missed' }
  /** It is there without a sidecar, and a new one would be denied. */
  | { readonly state: 'denied'; readonly reasons: Reasons }
  /** It is as it should be: nothing selects it, or the injection policy leaves it alone. */
  | { readonly state: 'left-alone' };

/**
 * Compares a stored pod with what would be decided about a new one. Everything that speaks of missed and outdated pods asks
 * this: checks, the auditor and restarts.
 *
 * @param entries of the registration in force
 */
export function standingOf(
  pod: JsonObject,
  namespace: PodNamespace,
  entries: readonly EntrySelectors[],
  injector: Injector,
): Standing {
  const { name, labels, annotations } = namespace;
  const written = member(viewPod(pod).annotations, statusAnnotation);
  const status = written === undefined ? undefined : parseStatus(written);
  if (status !== undefined) {
    return { state: 'injected', status, renewal: renewalOf(pod, status, namespace, entries, injector) };
  }
  const asked = selectEntry({ ...labels, 'kubernetes.io/metadata.name': name }, pod, entries);
  if (!asked.called) return { state: 'left-alone' };
  const { outcome, reasons } = injector.decide({ pod, namespace: name, ...asKnown({ labels, annotations }) });
  if (outcome === 'skip') return { state: 'left-alone' };
  return outcome === 'inject' ? { state: 'missed' } : { state: 'denied', reasons };
}
