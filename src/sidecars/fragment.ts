import type { JsonObject } from '../json/json.ts';
import type { ApplicationChange, Share } from '../settings/schema/template.ts';

/** Where a container goes: before or after the pod's own ones of that list. */
export interface Placement {
  readonly list: 'initContainers' | 'containers';
  readonly at: 'first' | 'last';
  /** Where among the injected ones there; without it the order of selection counts. */
  readonly proxy?: 'before' | 'after' | undefined;
}

export interface PlacedContainer {
  readonly container: JsonObject & { readonly name: string };
  readonly placement: Placement;
  /** The pod's own copy of the container is in it already. */
  readonly userMerged?: true;
  /** JSON text of the container, where it is known already; the same object for all pods that get it. */
  readonly text?: { readonly text: string };
}

/** What one sidecar adds to a pod; built in code or declared as YAML, always plain Kubernetes objects. */
export interface Fragment {
  /** Name of the sidecar, for conflicts and the status record. */
  readonly source: string;
  readonly containers: readonly PlacedContainer[];
  readonly volumes: readonly (JsonObject & { readonly name: string })[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly imagePullSecrets: readonly string[];
  /** Volumes and pull secrets go before the pod's own, not after them. */
  readonly volumesFirst?: true;
  /** Files of the application that its containers see. */
  readonly share?: readonly Share[];
  /** What the application's containers get. */
  readonly application?: readonly ApplicationChange[];
  /** Ports that it listens on beside those that its containers declare. */
  readonly listenPorts?: readonly number[];
}
