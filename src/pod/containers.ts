import { stringMember, type JsonObject } from '../json/json.ts';
import { names } from './conventions.ts';
import type { PodView } from './view.ts';

/** The lists of containers in a pod at admission; ephemeral containers are added later, through a subresource. */
export const containerLists = ['initContainers', 'containers'] as const;

export type ContainerList = (typeof containerLists)[number];

/** A container of a pod, with its position. */
export interface PodContainer {
  readonly list: ContainerList;
  readonly index: number;
  /** Empty if it has no name, which no API server accepts. */
  readonly name: string;
  readonly raw: JsonObject;
}

/** All containers of a pod, init containers first. */
export function containersOf(view: PodView): PodContainer[] {
  return containerLists.flatMap((list) =>
    view[list].map((raw, index) => ({ list, index, name: stringMember(raw, 'name') ?? '', raw })),
  );
}

const injectedNames: ReadonlySet<string> = new Set([names.proxyContainer, names.initContainer, names.checkContainer]);

/**
 * Whether this is the name of an injected container of the proxy. A pod's own container of that name is merged over it.
 */
export function isInjectedName(name: string): boolean {
  return injectedNames.has(name);
}

/** The pod's own containers, init containers first. */
export function applicationContainers(view: PodView): PodContainer[] {
  return containersOf(view).filter(({ name }) => !isInjectedName(name));
}

/** JSON Pointer (RFC 6901) of a container in its pod. */
export function pointerOf({ list, index }: Pick<PodContainer, 'list' | 'index'>): string {
  return `/spec/${list}/${index}`;
}
