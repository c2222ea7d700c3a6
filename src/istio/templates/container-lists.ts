import { stringMember, type JsonObject } from '../../json/json.ts';
import { initNames } from './init-container.ts';
import type { PreviousInjection } from './previous-injection.ts';
import { holdsApplication, type TemplateData } from './template-data.ts';
import { proxyName } from './template-pod.ts';

/** Injected for core dumps by Istio before 1.16. Manifests still contain it, and Istio still orders it. */
const coreDumpName = 'enable-core-dump';

/** The two lists of a pod that are merged and ordered together. */
export interface Lists {
  readonly initContainers: readonly JsonObject[];
  readonly containers: readonly JsonObject[];
}

/** Returns whether the list has a container of this name. */
export function has(containers: readonly JsonObject[], name: string): boolean {
  return containers.some((container) => stringMember(container, 'name') === name);
}

/** Returns the list with one container changed; the others keep their identity. */
export function replaceNamed(
  containers: readonly JsonObject[],
  name: string,
  change: (container: JsonObject) => JsonObject,
) {
  return containers.map((container) => (stringMember(container, 'name') === name ? change(container) : container));
}

/** Returns the container without what makes an init container a native sidecar and is invalid elsewhere. */
export function withoutRestartPolicy(container: JsonObject): JsonObject {
  const { restartPolicy: _, ...rest } = container;
  return rest;
}

/**
 * Moves containers of the pod to the list in which the template has them. A native sidecar becomes an ordinary
 * container; one that an earlier injection has added is left out, and the template's takes its place.
 */
export function moveToTemplate(own: Lists, template: Lists, previous: PreviousInjection | undefined): Lists {
  const isNamed = (containers: readonly JsonObject[]): ((one: JsonObject) => boolean) => {
    const names = new Set(containers.map((container) => stringMember(container, 'name')));
    return (one) => names.has(stringMember(one, 'name'));
  };
  const goesToInit = isNamed(template.initContainers);
  const goesToMain = isNamed(template.containers);
  const toInit = own.containers.filter(goesToInit);
  const toMain = own.initContainers.filter(goesToMain);
  if (toInit.length + toMain.length === 0) return own;
  const injected = new Set(previous?.initContainers);
  const kept = toMain.filter((one) => !injected.has(stringMember(one, 'name') ?? '')).map(withoutRestartPolicy);
  return {
    containers: [...own.containers.filter((one) => !goesToInit(one)), ...kept],
    initContainers: [...own.initContainers.filter((one) => !goesToMain(one)), ...toInit],
  };
}

function moved(containers: readonly JsonObject[], name: string, to: 'first' | 'last'): readonly JsonObject[] {
  const found = containers.filter((container) => stringMember(container, 'name') === name);
  const rest = containers.filter((container) => stringMember(container, 'name') !== name);
  return to === 'first' ? [...found, ...rest] : [...rest, ...found];
}

/**
 * Returns the lists in Istio's order. Native: the init containers for the rules, the proxy, then everything else.
 * Classic: the container that loads the rules after the other init containers, and the proxy after the other
 * containers, or before them if the application waits for it.
 */
export function ordered(lists: Lists, data: TemplateData): Lists {
  const containers = moved(lists.containers, proxyName, holdsApplication(data) ? 'first' : 'last');
  const { check, load } = initNames;
  const steps: readonly (readonly [string, 'first' | 'last'])[] = has(lists.initContainers, proxyName)
    ? [
        [coreDumpName, 'first'],
        [proxyName, 'first'],
        [check, 'first'],
        [load, 'first'],
      ]
    : [
        [check, 'first'],
        [load, 'last'],
        [coreDumpName, 'last'],
      ];
  const initContainers = steps.reduce((before, [name, to]) => moved(before, name, to), lists.initContainers);
  return { initContainers, containers };
}
