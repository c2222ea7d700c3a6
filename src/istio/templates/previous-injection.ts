import { statusAnnotation } from '../../pod/conventions.ts';
import { isObject, parseJson, stringMember, stringsMember, type JsonObject } from '../../json/json.ts';
import type { PodView } from '../../pod/view.ts';

/** Names of the containers that Istio's own injector has added to a pod, from its status annotation. */
export interface PreviousInjection {
  /** Whether the annotation has Istio's form. If not, it names no containers, and the pod counts as injected all the same. */
  readonly isReadable: boolean;
  readonly initContainers: readonly string[];
  readonly containers: readonly string[];
}

const unreadable: PreviousInjection = { isReadable: false, initContainers: [], containers: [] };

/** Reads the status annotation. Undefined if there is none. */
export function previousInjection({ annotations }: PodView): PreviousInjection | undefined {
  const text = stringMember(annotations, statusAnnotation);
  if (text === undefined) return undefined;
  const status = parseJson(text);
  if (!isObject(status)) return unreadable;
  const initContainers = stringsMember(status, 'initContainers');
  const containers = stringsMember(status, 'containers');
  if (initContainers === undefined || containers === undefined) return unreadable;
  return { isReadable: true, initContainers, containers };
}

/** Returns the pod's own containers, without those of the earlier injection and with the user's copies restored. */
export function ownContainers(
  view: PodView,
  previous: PreviousInjection | undefined,
  copies: readonly JsonObject[],
): readonly JsonObject[] {
  if (previous === undefined) return view.containers;
  const injected = new Set(previous.containers);
  const own = view.containers.filter((container) => !injected.has(stringMember(container, 'name') ?? ''));
  const names = new Set(own.map((container) => stringMember(container, 'name')));
  return [...own, ...copies.filter((copy) => !names.has(stringMember(copy, 'name')))];
}
