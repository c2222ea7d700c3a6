import { member } from '../../json/json.ts';
import type { PodView } from '../../pod/view.ts';
import type { InjectionRequest } from '../decision.ts';
import type { Plan } from '../plan/plan.ts';
import { otherValues } from '../plan/pod-changes.ts';
import { stableVariant } from '../../settings/schema/variant.ts';
import type { Snapshot } from '../snapshot.ts';

/** Labels by which injected pods can be listed: `kubectl get pods -L sidecar-injector.io/settings-hash`. */
export const injectionLabels = {
  /** The first eight digits of the hash of the settings. */
  settingsHash: 'sidecar-injector.io/settings-hash',
  version: 'sidecar-injector.io/version',
  /** `native` or `classic`: what kind of container the sidecars are. */
  sidecar: 'sidecar-injector.io/sidecar',
  /** The variant of the built-in sidecar, or `stable`; only where the settings have variants. */
  variant: 'sidecar-injector.io/variant',
} as const;

function labelsOf(view: PodView, snapshot: Snapshot, native: boolean, variant = stableVariant): Record<string, string> {
  const { hash, version, settings } = snapshot;
  const isTold = settings.variants.length > 0 || member(view.labels, injectionLabels.variant) !== undefined;
  return {
    [injectionLabels.settingsHash]: hash.slice(0, 8),
    [injectionLabels.version]: version.replaceAll(/[^\w.-]/g, '_'),
    [injectionLabels.sidecar]: native ? 'native' : 'classic',
    ...(isTold ? { [injectionLabels.variant]: variant } : {}),
  };
}

/**
 * Returns the plan with these labels, which win over what the pod or a sidecar has under their names. They are for lists
 * only: what counts is the status annotation. A pod template of a manifest gets none, because its labels are often written
 * once and referred to, as its selector's.
 */
export function withInjectionLabels(
  view: PodView,
  plan: Plan,
  native: boolean,
  { workload }: Pick<InjectionRequest, 'workload'>,
  snapshot: Snapshot,
  variant?: string,
): Plan {
  if (workload !== undefined) return plan;
  const ours = labelsOf(view, snapshot, native, variant);
  const added = Object.entries(ours).filter(([key]) => view.labels === undefined || !Object.hasOwn(view.labels, key));
  return {
    ...plan,
    labels: { ...plan.labels, ...Object.fromEntries(added) },
    changes: { ...plan.changes, labels: { ...plan.changes.labels, ...otherValues(ours, view.labels) } },
  };
}
