import { statusAnnotation } from '../../pod/conventions.ts';
import { isObject, member, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import type { PodView } from '../../pod/view.ts';

/** Names of the containers that Istio's own injector has added to a pod, from its status annotation. */
export interface PreviousInjection {
  readonly initContainers: readonly string[];
  readonly containers: readonly string[];
}

function texts(value: Json | undefined): readonly string[] | undefined {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) && value.every((item: Json) => typeof item === 'string') ? value : undefined;
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Reads the status annotation. Undefined if there is none, or if it does not have Istio's form. */
export function previousInjection({ annotations }: PodView): PreviousInjection | undefined {
  const status = parsed(stringMember(annotations, statusAnnotation));
  if (!isObject(status)) return undefined;
  const initContainers = texts(member(status, 'initContainers'));
  const containers = texts(member(status, 'containers'));
  return initContainers === undefined || containers === undefined ? undefined : { initContainers, containers };
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
