import {
  isObject,
  objectMember,
  objectsMember,
  stringMember,
  type Json,
  type JsonObject,
} from '../../../src/json/json.ts';
import type { Case, Outcome } from './injector.ts';
import type { Compared } from './normal-form.ts';
import { annotationValues, labelValues } from './vocabulary.ts';

/*
 * What docs/istiod.md lists as different. Everything else that differs is a fault.
 */

function podOf(object: JsonObject): JsonObject | undefined {
  return stringMember(object, 'kind') === 'Pod' ? object : objectMember(objectMember(object, 'spec'), 'template');
}

function containersOf(object: JsonObject): JsonObject[] {
  const spec = objectMember(podOf(object), 'spec');
  return [...objectsMember(spec, 'containers'), ...objectsMember(spec, 'initContainers')];
}

/** The API server refuses a pod with two containers of a name, and one without containers. */
function isNoPod(object: JsonObject): boolean {
  const names = containersOf(object).map((one) => stringMember(one, 'name'));
  const isEmpty = objectsMember(objectMember(podOf(object), 'spec'), 'containers').length === 0;
  return isEmpty || new Set(names).size < names.length;
}

/** Whether every reason names an annotation or label whose value Istio takes but does not understand. */
function refusesOddValues(one: Case, message: string): boolean {
  const metadata = objectMember(podOf(one.object), 'metadata');
  const texts = { ...objectMember(metadata, 'labels'), ...objectMember(metadata, 'annotations') };
  const odd = Object.entries({ ...labelValues, ...annotationValues })
    .filter(([name, { odd: values = [] }]) => values.includes(stringMember(texts, name) ?? '\0'))
    .map(([name]) => name);
  return message.split('\n').every((line) => odd.some((name) => line.includes(name)));
}

/** Whether the documentation lists that the outcomes differ. */
export function isDocumented(one: Case, ours: Outcome, istio: Outcome): boolean {
  if (ours.outcome === 'deny' && ours.message.includes('InvalidPatch')) return false;
  if (istio.outcome === 'inject' && isNoPod(istio.object)) return true;
  return ours.outcome === 'deny' && refusesOddValues(one, ours.message);
}

/** A change of the injected containers of either side. */
type Change = (container: JsonObject) => JsonObject;

function without(
  container: JsonObject,
  key: string,
  isUnwanted: (item: Json, index: number, all: readonly Json[]) => boolean,
): JsonObject {
  const list = container[key];
  if (!Array.isArray(list)) return container;
  const items = list as readonly Json[];
  return { ...container, [key]: items.filter((item, index) => !isUnwanted(item, index, items)) };
}

/** The variable that release 1.31 sets and 1.32, whose templates are rendered here, does not. */
const withoutOldVariable: Change = (container) =>
  without(container, 'env', (item) => isObject(item) && item['name'] === 'GOMAXPROCS');

/** `-g GROUP`: with TPROXY the rules exempt the group of the pod's own proxy as well. */
const withoutGroup: Change = (container) =>
  without(container, 'args', (item, index, all) => item === '-g' || all[index - 1] === '-g');

/** The hook that calls port 0. */
const withoutHookToNothing: Change = (container) => {
  if (!JSON.stringify(container['lifecycle'] ?? null).includes('--debug-port=0"')) return container;
  const { lifecycle: _, ...rest } = container;
  return rest;
};

function changed(compared: Compared | undefined, changes: readonly Change[]): Compared | undefined {
  const spec = objectMember(compared?.pod, 'spec');
  if (compared === undefined || spec === undefined) return compared;
  const list = (name: string): JsonObject => {
    const containers = objectsMember(spec, name);
    if (containers.length === 0) return {};
    return { [name]: containers.map((one) => changes.reduce((made, change) => change(made), one)) };
  };
  return {
    ...compared,
    pod: { ...compared.pod, spec: { ...spec, ...list('containers'), ...list('initContainers') } },
  };
}

/** Both results without what the documentation lists as different. */
export function withoutDocumented(
  _one: Case,
  ours: Compared | undefined,
  istio: Compared | undefined,
): readonly [Compared | undefined, Compared | undefined] {
  return [changed(ours, [withoutGroup]), changed(istio, [withoutOldVariable, withoutHookToNothing])];
}
