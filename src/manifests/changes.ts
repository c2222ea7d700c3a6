import { mergeKeyOf } from '../json/overlay.ts';
import { isObject, member, stringMember, type Json, type JsonObject } from '../json/json.ts';

/** One difference between two values. A path looks like `env[POD_IP].valueFrom`. */
export type Change =
  | { readonly what: 'added'; readonly path: string; readonly after: Json }
  | { readonly what: 'removed'; readonly path: string; readonly before: Json }
  | { readonly what: 'changed'; readonly path: string; readonly before: Json; readonly after: Json };

function keyOf(item: Json, field: string): string | undefined {
  const value = isObject(item) ? member(item, field) : undefined;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

/** The items by key. Undefined if an item has no key or if two items have the same key. */
function keyed(items: readonly Json[], field: string): ReadonlyMap<string, Json> | undefined {
  const found = new Map<string, Json>();
  for (const item of items) {
    const key = keyOf(item, field);
    if (key === undefined || found.has(key)) return undefined;
    found.set(key, item);
  }
  return found;
}

/**
 * The items of a list that Kubernetes merges by key: each key with its item, without the key field. Undefined for other
 * lists.
 */
export function itemsByKey(
  list: string,
  items: readonly Json[],
): readonly (readonly [string, JsonObject])[] | undefined {
  const field = mergeKeyOf(list);
  const found = field === undefined ? undefined : keyed(items, field);
  if (field === undefined || found === undefined) return undefined;
  return [...found].map(([key, item]) => [key, { ...(item as JsonObject), [field]: undefined }]);
}

/** Path of a member. Names with dots or slashes, as of labels and annotations, are put in brackets. */
function pathOf(path: string, name: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(name)) return `${path}[${name}]`;
  return path === '' ? name : `${path}.${name}`;
}

function compareMembers(
  before: ReadonlyMap<string, Json>,
  after: ReadonlyMap<string, Json>,
  pathTo: (name: string) => string,
): Change[] {
  const gone = [...before].flatMap(([name, value]): Change[] =>
    after.has(name) ? [] : [{ what: 'removed', path: pathTo(name), before: value }],
  );
  const kept = [...after].flatMap(([name, value]): Change[] => {
    const old = before.get(name);
    return old === undefined
      ? [{ what: 'added', path: pathTo(name), after: value }]
      : compareValues(old, value, pathTo(name), name);
  });
  return [...gone, ...kept];
}

function membersOf(object: JsonObject): ReadonlyMap<string, Json> {
  return new Map(Object.entries(object).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

function compareValues(before: Json, after: Json, path: string, name: string): Change[] {
  if (isObject(before) && isObject(after)) {
    return compareMembers(membersOf(before), membersOf(after), (member) => pathOf(path, member));
  }
  const field = mergeKeyOf(name);
  if (field !== undefined && Array.isArray(before) && Array.isArray(after)) {
    const [left, right] = [keyed(before as readonly Json[], field), keyed(after as readonly Json[], field)];
    if (left !== undefined && right !== undefined) return compareMembers(left, right, (key) => `${path}[${key}]`);
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ what: 'changed', path, before, after }];
}

/** All differences by field. Items of keyed lists are matched by key, whatever their order. */
export function findChanges(before: Json, after: Json): Change[] {
  return compareValues(before, after, '', '');
}

/** Names of the lists' items for people. */
const kinds: ReadonlyMap<string, string> = new Map([
  ['containers', 'container'],
  ['initContainers', 'init container'],
  ['volumes', 'volume'],
  ['imagePullSecrets', 'pull secret'],
  ['labels', 'label'],
  ['annotations', 'annotation'],
]);

/** A part of a pod that differs, such as a container, with the changes inside it. */
export interface ChangedPart {
  readonly kind: string;
  readonly name: string;
  readonly what: Change['what'];
  readonly changes: readonly Change[];
}

function partsOf(pod: JsonObject, holder: 'spec' | 'metadata', list: string): ReadonlyMap<string, Json> {
  const parent = member(pod, holder);
  const value = isObject(parent) ? member(parent, list) : undefined;
  if (Array.isArray(value)) return keyed(value as readonly Json[], 'name') ?? new Map<string, Json>();
  return isObject(value) ? membersOf(value) : new Map<string, Json>();
}

function kindOf(list: string, item: Json): string {
  if (list === 'initContainers' && isObject(item) && stringMember(item, 'restartPolicy') === 'Always') {
    return 'native sidecar';
  }
  return kinds.get(list) ?? list;
}

/** All fields of an added item, except its name, which the title shows. */
function wholeOf(item: Json): Change[] {
  if (!isObject(item)) return [{ what: 'added', path: '', after: item }];
  return findChanges({}, item).filter(({ path }) => path !== 'name');
}

const order = [
  ['spec', 'initContainers'],
  ['spec', 'containers'],
  ['spec', 'volumes'],
  ['spec', 'imagePullSecrets'],
  ['metadata', 'labels'],
  ['metadata', 'annotations'],
] as const;

/** The parts of a pod that differ: containers and volumes by name, labels and annotations, then all other fields. */
export function findChangedParts(before: JsonObject, after: JsonObject): ChangedPart[] {
  const parts = order.flatMap(([holder, list]) => {
    const [left, right] = [partsOf(before, holder, list), partsOf(after, holder, list)];
    return [...new Set([...left.keys(), ...right.keys()])].flatMap((name): ChangedPart[] => {
      const [old, now] = [left.get(name), right.get(name)];
      const kind = kindOf(list, now ?? old ?? null);
      if (old === undefined && now !== undefined) return [{ kind, name, what: 'added', changes: wholeOf(now) }];
      if (now === undefined && old !== undefined) return [{ kind, name, what: 'removed', changes: [] }];
      const changes = findChanges(old ?? null, now ?? null);
      return changes.length === 0 ? [] : [{ kind, name, what: 'changed', changes }];
    });
  });
  const listed = order.map(([holder, list]) => `${holder}.${list}`);
  const rest = findChanges(before, after).filter(
    ({ path }) =>
      !listed.some((start) => path === start || path.startsWith(`${start}[`) || path.startsWith(`${start}.`)),
  );
  return rest.length === 0 ? parts : [...parts, { kind: 'pod', name: '', what: 'changed', changes: rest }];
}
