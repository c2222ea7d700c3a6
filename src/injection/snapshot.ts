import type { JsonObject } from '../json/json.ts';
import { chooseProfile, type PodSettings } from '../settings/effective.ts';
import type { Settings } from '../settings/schema/configuration.ts';
import type { TemplateLibrary } from '../sidecars/template-library.ts';

/** What the injector knows about its cluster. */
export interface ClusterFacts {
  /** Whether init containers may have restartPolicy Always (Kubernetes 1.29 and later). */
  readonly nativeSidecars: boolean;
  /** Whether native sidecars are stable (Kubernetes 1.33 and later): only then does Istio use them by default. */
  readonly stableSidecars: boolean;
  /** Whether a preStop hook may be `sleep` (Kubernetes 1.30 and later). */
  readonly sleepHook: boolean;
}

/** Labels and annotations of a namespace. */
export interface NamespaceFacts {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Everything that a decision depends on except the request. Immutable; replaced as a whole. */
export interface Snapshot extends ClusterFacts {
  readonly settings: Settings;
  readonly templates: TemplateLibrary;
  /** Labels and annotations that decisions depend on, by namespace; those without any are left out. */
  readonly namespaces: ReadonlyMap<string, NamespaceFacts>;
  /** Hash of settings and templates, written into every injected pod. */
  readonly hash: string;
  readonly version: string;
  /** PodSettings settings of a pod without annotations, by profile name; `''` is no profile. */
  readonly bases: ReadonlyMap<string, PodSettings>;
}

/** Returns the snapshot with newer facts about the cluster. */
export function withClusterFacts(
  snapshot: Snapshot,
  { nativeSidecars, stableSidecars, sleepHook }: ClusterFacts,
): Snapshot {
  return { ...snapshot, nativeSidecars, stableSidecars, sleepHook };
}

/** Returns the snapshot with what is known of namespaces now. */
export function withNamespaces(snapshot: Snapshot, namespaces: Snapshot['namespaces']): Snapshot {
  return { ...snapshot, namespaces };
}

/** Returns the effective settings of a pod before its annotations are read. */
export function baseOf(snapshot: Snapshot, namespace: string, labels: JsonObject | undefined): PodSettings {
  const profile = chooseProfile(snapshot.settings.profiles, namespace, labels);
  const base = snapshot.bases.get(profile?.name ?? '');
  if (base === undefined) throw new Error(`profile ${profile?.name} has no base`);
  return base;
}
