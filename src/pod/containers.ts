import { stringMember, type JsonObject } from '../json/json.ts';
import { names } from './conventions.ts';
import type { PodView } from './view.ts';

/** The lists of a pod's containers at admission; ephemeral containers come later, by a subresource of their own. */
export const containerLists = ['initContainers', 'containers'] as const;

export type ContainerList = (typeof containerLists)[number];

/** A container of a pod with its place. */
export interface PodContainer {
  readonly list: ContainerList;
  readonly index: number;
  /** Empty when it has none, which no API server accepts. */
  readonly name: string;
  readonly raw: JsonObject;
}

/** The containers of a pod, init containers first. */
export function containersOf(view: PodView): PodContainer[] {
  return containerLists.flatMap((list) =>
    view[list].map((raw, index) => ({ list, index, name: stringMember(raw, 'name') ?? '', raw })),
  );
}

/** Whether the proxy's containers are called so; a pod that has one of its own means a copy of ours. */
export function isInjectedName(name: string): boolean {
  return name === names.proxyContainer || name === names.initContainer;
}

/** The pod's own containers, init containers first. */
export function applicationContainers(view: PodView): PodContainer[] {
  return containersOf(view).filter(({ name }) => !isInjectedName(name));
}

/** JSON Pointer (RFC 6901) of a container in its pod. */
export function pointerOf({ list, index }: Pick<PodContainer, 'list' | 'index'>): string {
  return `/spec/${list}/${index}`;
}
