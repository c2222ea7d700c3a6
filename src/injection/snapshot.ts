import type { JsonObject } from '../json/json.ts';
import { chooseProfile, type Effective } from '../settings/effective.ts';
import type { Settings } from '../settings/schema/configuration.ts';
import type { TemplateLibrary } from '../sidecars/template-library.ts';

/** What the injector knows of the cluster that it works for. */
export interface ClusterFacts {
  /** Whether init containers may have restartPolicy Always (Kubernetes 1.29 and later). */
  readonly nativeSidecars: boolean;
  /** Whether they are stable there (Kubernetes 1.33 and later): Istio takes them by itself only then. */
  readonly stableSidecars: boolean;
  /** Whether a preStop hook may be `sleep` (Kubernetes 1.30 and later). */
  readonly sleepHook: boolean;
}

/** Everything that a decision depends on but the request: immutable, replaced as a whole. */
export interface Snapshot extends ClusterFacts {
  readonly settings: Settings;
  readonly templates: TemplateLibrary;
  /** Annotations of namespaces that decisions depend on, by namespace; OpenShift keeps its ranges of ids there. */
  readonly namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Identifies settings and templates; stamped on every injected pod. */
  readonly hash: string;
  readonly version: string;
  /** Effective settings of a pod without annotations, by profile name; `''` is no profile. */
  readonly bases: ReadonlyMap<string, Effective>;
}

/** The same snapshot for a cluster of which more is known now. */
export function withClusterFacts(
  snapshot: Snapshot,
  { nativeSidecars, stableSidecars, sleepHook }: ClusterFacts,
): Snapshot {
  return { ...snapshot, nativeSidecars, stableSidecars, sleepHook };
}

/** The same snapshot with the annotations of namespaces as they are now. */
export function withNamespaces(snapshot: Snapshot, namespaces: Snapshot['namespaces']): Snapshot {
  return { ...snapshot, namespaces };
}

/** Effective settings of a pod before its annotations are read. */
export function baseOf(snapshot: Snapshot, namespace: string, labels: JsonObject | undefined): Effective {
  const profile = chooseProfile(snapshot.settings.profiles, namespace, labels);
  const base = snapshot.bases.get(profile?.name ?? '');
  if (base === undefined) throw new Error(`profile ${profile?.name} has no base`);
  return base;
}
