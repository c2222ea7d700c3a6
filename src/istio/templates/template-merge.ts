import { objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import { strategicMerge } from '../../json/strategic-merge.ts';
import type { PodView } from '../../pod/view.ts';
import { moveToTemplate, type Lists } from './container-lists.ts';
import type { PreviousInjection } from './previous-injection.ts';
import type { TemplatePod } from './template-pod.ts';

/** A pod and the result of the templates alone, while templates are laid over both. */
export interface Layers {
  readonly pod: JsonObject;
  readonly template: JsonObject;
  readonly previous: PreviousInjection | undefined;
}

/** Returns the two lists of containers of a pod. */
export function listsOf(pod: JsonObject): Lists {
  const spec = objectMember(pod, 'spec');
  return { initContainers: objectsMember(spec, 'initContainers'), containers: objectsMember(spec, 'containers') };
}

/** Returns the pod with other lists of containers. An empty list is left out unless the pod has one. */
export function withLists(pod: JsonObject, { initContainers, containers }: Lists): JsonObject {
  const spec = objectMember(pod, 'spec') ?? {};
  const hasInit = initContainers.length > 0 || Object.hasOwn(spec, 'initContainers');
  return { ...pod, spec: { ...spec, containers, ...(hasInit ? { initContainers } : {}) } };
}

function filled(name: string, map: JsonObject | undefined): JsonObject {
  return map === undefined || Object.keys(map).length === 0 ? {} : { [name]: map };
}

/** Returns the parts of the pod that templates are laid over. Objects keep their identity. */
export function bareLayers(
  { labels, annotations, spec, initContainers, containers }: PodView,
  previous: PreviousInjection | undefined,
): Layers {
  const metadata = { ...filled('labels', labels), ...filled('annotations', annotations) };
  return { pod: withLists({ metadata, spec: spec ?? {} }, { initContainers, containers }), template: {}, previous };
}

/** Returns the output of one of Istio's own templates as a patch of the pod. */
export function patchOf({ labels, annotations, imagePullSecrets, securityContext, ...lists }: TemplatePod): JsonObject {
  const spec = {
    ...lists,
    imagePullSecrets: imagePullSecrets.map((name) => ({ name })),
    ...(securityContext === undefined ? {} : { securityContext }),
  };
  const given = Object.entries(spec).filter(([, value]) => !Array.isArray(value) || value.length > 0);
  return {
    metadata: { ...filled('labels', labels), ...filled('annotations', annotations) },
    spec: Object.fromEntries(given),
  };
}

function namesIn(list: readonly JsonObject[]): ReadonlySet<string | undefined> {
  return new Set(list.map((object) => stringMember(object, 'name')));
}

/**
 * Moves containers of the patch to the init containers if an earlier template has them there, as native sidecars.
 */
function inPlace(patch: JsonObject, before: JsonObject): JsonObject {
  const names = namesIn(listsOf(before).initContainers);
  const { initContainers, containers } = listsOf(patch);
  const isMisplaced = (container: JsonObject): boolean => names.has(stringMember(container, 'name'));
  const misplaced = containers.filter(isMisplaced);
  if (misplaced.length === 0) return patch;
  return withLists(patch, {
    initContainers: [...initContainers, ...misplaced],
    containers: containers.filter((container) => !isMisplaced(container)),
  });
}

/** Lays one template over the pod and over the templates before it. */
export function layTemplate({ pod, template, previous }: Layers, patch: JsonObject): Layers {
  const placed = inPlace(patch, template);
  const next = strategicMerge(template, placed);
  const moved = withLists(pod, moveToTemplate(listsOf(pod), listsOf(next), previous));
  return { pod: strategicMerge(moved, placed), template: next, previous };
}

/** What an object's texts are by key; values of other types are left out. */
export function textsOf(map: JsonObject | undefined): Readonly<Record<string, string>> {
  const texts = Object.entries(map ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts);
}

/** Names that the templates bring, by list, in the templates' order. */
export type TemplateNames = Readonly<
  Record<'initContainers' | 'containers' | 'volumes' | 'imagePullSecrets', readonly string[]>
>;

export function namesOf(template: JsonObject): TemplateNames {
  const spec = objectMember(template, 'spec');
  const names = (list: keyof TemplateNames): string[] =>
    objectsMember(spec, list).map((object) => stringMember(object, 'name') ?? '');
  return {
    initContainers: names('initContainers'),
    containers: names('containers'),
    volumes: names('volumes'),
    imagePullSecrets: names('imagePullSecrets'),
  };
}
