import { annotationNames as names } from '../../pod/annotation-names.ts';
import { member, objectMember, objectsMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import type { Problem } from '../../grammar/problem.ts';
import type { TemplateData } from './template-data.ts';
import type { TemplatePod } from './template-pod.ts';

type List = 'initContainers' | 'containers';

/** The pod's own copies of what a template adds, by the list in which the template has it. */
export type UserCopies = Readonly<Record<List, readonly JsonObject[]>>;

/** The copies that an earlier injection kept; the annotation's form has been checked. */
export function recordedCopies(annotations: JsonObject | undefined): UserCopies {
  const text = stringMember(annotations, names.overrides);
  const value = text === undefined ? {} : (JSON.parse(text) as JsonObject);
  return {
    initContainers: objectsMember(value, 'initContainers'),
    containers: objectsMember(value, 'containers'),
  };
}

/** A broken `proxy.istio.io/overrides` would lose what the user wrote. */
export function overridesProblems(annotations: JsonObject | undefined): Problem[] {
  const text = annotations === undefined ? undefined : member(annotations, names.overrides);
  if (text === undefined) return [];
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return [];
  } catch {
    // The sentence below says it.
  }
  return [{ where: names.overrides, message: 'is not a JSON object; allowed: what the injector wrote' }];
}

/** The first container of each name. */
function byName(...lists: readonly (readonly JsonObject[])[]): ReadonlyMap<string | undefined, JsonObject> {
  return new Map(
    lists
      .flat()
      .toReversed()
      .map((container) => [stringMember(container, 'name'), container]),
  );
}

/** `auto` means the template's own image, so the copy says nothing about it. */
function withoutAutoImage(container: JsonObject): JsonObject {
  const image = stringMember(container, 'image');
  if (image !== 'auto' && image !== '') return container;
  return Object.fromEntries(Object.entries(container).filter(([key]) => key !== 'image'));
}

/** What of the pod's containers is laid on top of the templates once more, so that the user's word is the last. */
export function userCopies(data: TemplateData, template: TemplatePod): UserCopies {
  const before = recordedCopies(data.view.annotations);
  const copies = (list: List): JsonObject[] => {
    const injected = new Set(data.previous?.[list]);
    const known = byName(before[list], data.view.containers, data.view.initContainers);
    return template[list].flatMap(({ name }) => {
      // What was injected before is no wish of the user's.
      const found = injected.has(name) ? undefined : known.get(name);
      return found === undefined ? [] : [withoutAutoImage(found)];
    });
  };
  return { containers: copies('containers'), initContainers: copies('initContainers') };
}

/** The copies as `proxy.istio.io/overrides` keeps them; undefined without any. */
export function overridesText({ containers, initContainers }: UserCopies): string | undefined {
  if (containers.length + initContainers.length === 0) return undefined;
  return JSON.stringify({
    ...(containers.length === 0 ? {} : { containers }),
    ...(initContainers.length === 0 ? {} : { initContainers }),
  });
}

/** A number of the security context, when the user set one. */
export function idOf(container: JsonObject | undefined, field: 'runAsUser' | 'runAsGroup'): number | undefined {
  const security = objectMember(container, 'securityContext');
  const value: Json | undefined = security === undefined ? undefined : member(security, field);
  return typeof value === 'number' ? value : undefined;
}
