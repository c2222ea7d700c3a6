import type { PodView } from '../pod/view.ts';
import { proxyUser } from '../pod/conventions.ts';
import type { PodSettings } from '../settings/effective.ts';
import { applyNamespaceDefaults, type NamespaceBase } from '../settings/namespace-defaults.ts';
import { readPodSettings, type PodSettingsResult } from '../settings/pod-settings.ts';
import { captureIntent } from '../sidecars/standalone/capture-intent.ts';
import type { InjectionRequest } from './decision.ts';
import { namespaceOf } from './namespace-facts.ts';
import { baseOf, type NamespaceFacts, type Snapshot } from './snapshot.ts';

/** Everything of the settings that decides about the rules of a pod with given containers. */
function captureOf(settings: PodSettings): string {
  const { nativeSidecar, rewriteProbes, templates, proxy } = settings;
  return JSON.stringify([
    captureIntent(settings, proxyUser, []) ?? null,
    [nativeSidecar ?? null, rewriteProbes, templates, proxy.statusPort, proxy.holdApplication],
  ]);
}

/** Returns the settings of a profile with the defaults of a namespace. */
export function namespaceBase(
  base: PodSettings,
  { annotations }: Pick<NamespaceFacts, 'annotations'>,
  { settings }: Pick<Snapshot, 'settings'>,
): NamespaceBase {
  return applyNamespaceDefaults(annotations, base, settings.proxy.allowedImages, captureOf);
}

/** Returns the settings of a pod: its profile's, those that its namespace sets, and its own, each over those before. */
export function settingsOf(
  view: PodView,
  request: InjectionRequest,
  snapshot: Snapshot,
): PodSettingsResult & Pick<NamespaceBase, 'base'> {
  const profile = baseOf(snapshot, request.namespace, view.labels);
  const { base, warnings } = namespaceBase(profile, namespaceOf(request, snapshot), snapshot);
  const own = readPodSettings(view, base, snapshot.settings.proxy.allowedImages);
  return { ...own, base, warnings: [...warnings, ...own.warnings] };
}
