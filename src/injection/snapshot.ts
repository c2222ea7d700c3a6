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
  /** Settings of a pod without annotations, by profile and variant as `baseKey` writes them. */
  readonly bases: ReadonlyMap<string, PodSettings>;
}

/** Key of settings in a snapshot's `bases`: `profile`, or `profile@variant`; `''` is no profile. */
export function baseKey(profile: string | undefined, variant: string | undefined): string {
  return `${profile ?? ''}${variant === undefined ? '' : `@${variant}`}`;
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

/** Returns the effective settings of a pod of a variant before its annotations are read. */
export function baseOf(
  snapshot: Snapshot,
  namespace: string,
  labels: JsonObject | undefined,
  variant?: string,
): PodSettings {
  const key = baseKey(chooseProfile(snapshot.settings.profiles, namespace, labels)?.name, variant);
  const base = snapshot.bases.get(key);
  if (base === undefined) throw new Error(`there are no settings ${key}`);
  return base;
}
