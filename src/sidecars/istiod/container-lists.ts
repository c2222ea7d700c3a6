import { stringMember, type JsonObject } from '../../settings/json.ts';
import { initNames } from './init-container.ts';
import { holdsApplication, type TemplateData } from './template-data.ts';
import type { TemplatePod } from './template-pod.ts';

/** Name of the agent's container in every template. */
export const proxyName = 'istio-proxy';

/** The two lists of a pod that are merged and ordered together. */
export interface Lists {
  readonly initContainers: readonly JsonObject[];
  readonly containers: readonly JsonObject[];
}

export function has(containers: readonly JsonObject[], name: string): boolean {
  return containers.some((container) => stringMember(container, 'name') === name);
}

/** The list with one container changed; the others stay the same objects. */
export function replaceNamed(
  containers: readonly JsonObject[],
  name: string,
  change: (container: JsonObject) => JsonObject,
) {
  return containers.map((container) => (stringMember(container, 'name') === name ? change(container) : container));
}

/** Containers of the pod that a template has in the other list move there first. */
export function moveToTemplate(own: Lists, template: TemplatePod): Lists {
  const toInit = own.containers.filter((one) => has(template.initContainers, stringMember(one, 'name') ?? ''));
  const toMain = own.initContainers.filter((one) => has(template.containers, stringMember(one, 'name') ?? ''));
  if (toInit.length + toMain.length === 0) return own;
  return {
    containers: [...own.containers.filter((one) => !toInit.includes(one)), ...toMain],
    initContainers: [...own.initContainers.filter((one) => !toMain.includes(one)), ...toInit],
  };
}

function moved(containers: readonly JsonObject[], name: string, to: 'first' | 'last'): readonly JsonObject[] {
  const found = containers.filter((container) => stringMember(container, 'name') === name);
  const rest = containers.filter((container) => !found.includes(container));
  return to === 'first' ? [...found, ...rest] : [...rest, ...found];
}

/** Native: rules, proxy, then everything else. Classic: rules after the init containers, proxy after the containers. */
export function ordered(lists: Lists, data: TemplateData): Lists {
  const containers = moved(lists.containers, proxyName, holdsApplication(data) ? 'first' : 'last');
  const { check, load } = initNames;
  const steps: readonly (readonly [string, 'first' | 'last'])[] = has(lists.initContainers, proxyName)
    ? [
        [proxyName, 'first'],
        [check, 'first'],
        [load, 'first'],
      ]
    : [
        [check, 'first'],
        [load, 'last'],
      ];
  const initContainers = steps.reduce((before, [name, to]) => moved(before, name, to), lists.initContainers);
  return { initContainers, containers };
}
