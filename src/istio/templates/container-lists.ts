import { stringMember, type JsonObject } from '../../json/json.ts';
import { initNames } from './init-container.ts';
import { holdsApplication, type TemplateData } from './template-data.ts';
import { proxyName, type TemplatePod } from './template-pod.ts';

/** What releases of Istio before 1.16 injected for core dumps; manifests still have it, and it is theirs to order. */
const coreDumpName = 'enable-core-dump';

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
  const isNamed = (containers: TemplatePod['containers']): ((one: JsonObject) => boolean) => {
    const names = new Set(containers.map(({ name }) => name));
    return (one) => names.has(stringMember(one, 'name') ?? '');
  };
  const goesToInit = isNamed(template.initContainers);
  const goesToMain = isNamed(template.containers);
  const toInit = own.containers.filter(goesToInit);
  const toMain = own.initContainers.filter(goesToMain);
  if (toInit.length + toMain.length === 0) return own;
  return {
    containers: [...own.containers.filter((one) => !goesToInit(one)), ...toMain],
    initContainers: [...own.initContainers.filter((one) => !goesToMain(one)), ...toInit],
  };
}

/** The container of that name in its new place; a copy of it, because what stays the same object stays in its place. */
function moved(containers: readonly JsonObject[], name: string, to: 'first' | 'last'): readonly JsonObject[] {
  const found = containers
    .filter((container) => stringMember(container, 'name') === name)
    .map((container) => ({ ...container }));
  const rest = containers.filter((container) => stringMember(container, 'name') !== name);
  return to === 'first' ? [...found, ...rest] : [...rest, ...found];
}

/** Native: rules, proxy, then everything else. Classic: rules after the init containers, proxy after the containers. */
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
