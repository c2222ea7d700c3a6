import { isObject, member, type Json, type JsonObject } from './json.ts';
import { directives, podMergeKeyOf } from './strategic-merge.ts';

/** What is wrong with a strategic merge patch, and the member in which it is. */
export interface PatchProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type Path = PatchProblem['path'];

function wrongDirective(value: Json | undefined, allowed: string): string {
  return `${JSON.stringify(value ?? null)} is not allowed; allowed: ${allowed}`;
}

function itemProblems(item: Json, key: string, path: Path): PatchProblem[] {
  if (!isObject(item)) return [{ path, message: `must be an object with ${key}` }];
  const directive = member(item, directives.patch);
  const isReplace = directive === 'replace';
  if (!isReplace && member(item, key) === undefined) {
    return [{ path: [...path, key], message: 'is missing: by this member the list is merged' }];
  }
  // In an item, `replace` means the list, and `delete` the item.
  const { [directives.patch]: _directive, ...rest } = item;
  const wrong = directive === undefined || isReplace || directive === 'delete';
  return [
    ...(wrong ? [] : [{ path: [...path, directives.patch], message: wrongDirective(directive, 'replace, delete') }]),
    ...patchProblems(rest, path),
  ];
}

function listProblems(list: readonly Json[], name: string, path: Path): PatchProblem[] {
  const key = podMergeKeyOf(name);
  if (key !== undefined) return list.flatMap((item, index) => itemProblems(item, key, [...path, index]));
  // A list without a merge key is replaced as a whole, so a directive in it would become part of the pod.
  return list.flatMap((item, index) =>
    directiveIn(item, [...path, index]).map((place) => ({
      path: place,
      message: `stands in ${name}, a list that is replaced as a whole; directives have no meaning there`,
    })),
  );
}

/** Returns the places of directives in the value. */
function directiveIn(value: Json, path: Path): Path[] {
  if (Array.isArray(value))
    return (value as readonly Json[]).flatMap((item, index) => directiveIn(item, [...path, index]));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name.startsWith('$') ? [[...path, name]] : inner === undefined ? [] : directiveIn(inner, [...path, name]),
  );
}

/** Checks that the order names everything that the patch has in the list, in the patch's order. */
function orderProblem(order: readonly Json[], list: Json | undefined, name: string): string | undefined {
  const key = podMergeKeyOf(name);
  const keyOf = (item: Json): Json | undefined => (key === undefined || !isObject(item) ? item : member(item, key));
  const isDirective = (item: Json): boolean => isObject(item) && member(item, directives.patch) !== undefined;
  const patched = Array.isArray(list) ? (list as readonly Json[]).filter((item) => !isDirective(item)).map(keyOf) : [];
  const wanted = order.map(keyOf);
  const places = patched.map((item) => wanted.indexOf(item));
  const isOrdered = places.every((place, index) => place >= 0 && place > (places[index - 1] ?? -1));
  return isOrdered ? undefined : `must name every item of ${name} here, in the same order`;
}

/** Checks a directive that names a list, or `$retainKeys`. */
function besideProblem(patch: JsonObject, name: string, value: Json): string | undefined {
  if (!Array.isArray(value)) return 'must be a list';
  const list = value as readonly Json[];
  if (name.startsWith(directives.deletion)) return undefined;
  if (name.startsWith(directives.order)) {
    const field = name.slice(directives.order.length);
    return orderProblem(list, member(patch, field), field);
  }
  if (name !== directives.retainKeys)
    return 'is no directive; allowed: $patch, $retainKeys, $setElementOrder/LIST, $deleteFromPrimitiveList/LIST';
  const lost = Object.keys(patch).find((key) => !key.startsWith('$') && patch[key] !== null && !list.includes(key));
  return lost === undefined ? undefined : `must name ${lost}, which the patch sets`;
}

/** Returns what is wrong with the directives of a strategic merge patch of a pod, wherever they stand in it. */
export function patchProblems(patch: JsonObject, path: Path = []): PatchProblem[] {
  return Object.entries(patch).flatMap(([name, value]): PatchProblem[] => {
    if (value === undefined) return [];
    const place = [...path, name];
    if (name === directives.patch) {
      const isKnown = value === 'replace' || value === 'delete';
      return isKnown ? [] : [{ path: place, message: wrongDirective(value, 'replace, delete') }];
    }
    if (name.startsWith('$')) {
      const message = besideProblem(patch, name, value);
      return message === undefined ? [] : [{ path: place, message }];
    }
    if (Array.isArray(value)) return listProblems(value as readonly Json[], name, place);
    return isObject(value) ? patchProblems(value, place) : [];
  });
}
