import { annotationNames as names } from '../../pod/annotation-names.ts';
import { isObject, member, objectMember, objectsMember, parseJson, stringMember } from '../../json/json.ts';
import type { JsonObject } from '../../json/json.ts';
import type { Problem } from '../../grammar/problem.ts';
import { withoutRestartPolicy } from './container-lists.ts';
import { storedForm } from './stored-form.ts';
import type { TemplateData } from './template-data.ts';
import type { TemplateNames } from './template-merge.ts';

type List = 'initContainers' | 'containers';

/** The pod's own copies of injected containers, by the list in which the template has them. */
export type UserCopies = Readonly<Record<List, readonly JsonObject[]>>;

/** Returns the copies that an earlier injection has kept. The annotation's form has been checked before. */
export function recordedCopies(annotations: JsonObject | undefined): UserCopies {
  const text = stringMember(annotations, names.overrides);
  const value = text === undefined ? {} : (JSON.parse(text) as JsonObject);
  return {
    initContainers: objectsMember(value, 'initContainers'),
    containers: objectsMember(value, 'containers'),
  };
}

/** Returns the problems of `proxy.istio.io/overrides`: a broken one would lose what the user wrote. */
export function overridesProblems(annotations: JsonObject | undefined): Problem[] {
  const text = member(annotations, names.overrides);
  if (text === undefined) return [];
  if (typeof text === 'string' && isObject(parseJson(text))) return [];
  return [{ where: names.overrides, message: 'is not a JSON object; allowed: what the injector wrote' }];
}

/** Returns the first container of each name. */
function byName(...lists: readonly (readonly JsonObject[])[]): ReadonlyMap<string | undefined, JsonObject> {
  return new Map(
    lists
      .flat()
      .toReversed()
      .map((container) => [stringMember(container, 'name'), container]),
  );
}

/** Removes the image `auto`, which stands for the template's own image. */
function withoutAutoImage(container: JsonObject): JsonObject {
  if (stringMember(container, 'image') !== 'auto') return container;
  return Object.fromEntries(Object.entries(container).filter(([key]) => key !== 'image'));
}

/** Returns the copies that are merged on top of the templates once more, so that the user's values win. */
export function userCopies(data: TemplateData, template: TemplateNames): UserCopies {
  const before = recordedCopies(data.view.annotations);
  const { view, previous } = data;
  const native = new Set(previous?.initContainers);
  const known: Readonly<Record<List, ReturnType<typeof byName>>> = {
    initContainers: byName(before.initContainers, view.containers, view.initContainers),
    containers: byName(
      before.containers,
      before.initContainers.map(withoutRestartPolicy),
      view.containers,
      view.initContainers.filter((one) => !native.has(stringMember(one, 'name') ?? '')).map(withoutRestartPolicy),
    ),
  };
  const copies = (list: List): JsonObject[] => {
    const injected = new Set(previous?.[list]);
    return template[list].flatMap((name) => {
      // A container injected earlier is not a user's copy.
      const found = injected.has(name) ? undefined : known[list].get(name);
      return found === undefined ? [] : [withoutAutoImage(storedForm(found))];
    });
  };
  return { containers: copies('containers'), initContainers: copies('initContainers') };
}

/** Returns the copies as text of `proxy.istio.io/overrides`, or undefined if there are none. */
export function overridesText({ containers, initContainers }: UserCopies): string | undefined {
  if (containers.length + initContainers.length === 0) return undefined;
  return JSON.stringify({
    ...(containers.length === 0 ? {} : { containers }),
    ...(initContainers.length === 0 ? {} : { initContainers }),
  });
}

/** Returns an id of the container's security context, or undefined if the user has set none. */
export function idOf(container: JsonObject | undefined, field: 'runAsUser' | 'runAsGroup'): number | undefined {
  const security = objectMember(container, 'securityContext');
  const value = member(security, field);
  return typeof value === 'number' ? value : undefined;
}
