import { stringMember, type NamedObject } from '../json/json.ts';
import type { ApplicationChange, Share } from '../settings/schema/template.ts';

/** Position of a container: before or after the pod's own containers of that list. */
export interface Placement {
  readonly list: 'initContainers' | 'containers';
  readonly at: 'first' | 'last';
  /** Position relative to the proxy among injected containers of the same place; by default, order of selection. */
  readonly proxy?: 'before' | 'after' | undefined;
}

/** A container to inject, and where it goes. */
export interface PlacedContainer {
  readonly container: NamedObject;
  readonly placement: Placement;
  /** The container already includes the pod's own copy of it. */
  readonly userMerged?: true;
  /** JSON text of the container if it is known already; the same object for all pods that get the container. */
  readonly text?: { readonly text: string };
}

/** Returns whether the container runs beside the application, as a native sidecar or a classic container. */
export function runsOn({ container, placement }: PlacedContainer): boolean {
  return placement.list === 'containers' || stringMember(container, 'restartPolicy') === 'Always';
}

/** What one sidecar adds to a pod, built in or declared in YAML, as plain Kubernetes objects. */
export interface Fragment {
  /** Name of the sidecar, for conflicts and the status annotation. */
  readonly source: string;
  readonly containers: readonly PlacedContainer[];
  readonly volumes: readonly NamedObject[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly imagePullSecrets: readonly string[];
  /** Volumes and pull secrets go before the pod's own, not after them; these volumes go after them all the same. */
  readonly volumesFirst?: { readonly last: readonly NamedObject[] };
  /** Files of the application that the sidecar's containers see. */
  readonly share?: readonly Share[];
  /** Additions to the application containers. */
  readonly application?: readonly ApplicationChange[];
  /** Ports that the sidecar listens on in addition to those that its containers declare. */
  readonly listenPorts?: readonly number[];
}
