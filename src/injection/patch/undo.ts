import { viewPod, type PodView } from '../../pod/view.ts';
import { statusAnnotation } from '../../pod/conventions.ts';
import {
  isObject,
  member,
  objectMember,
  objectsMember,
  stringMember,
  type Json,
  type JsonObject,
} from '../../json/json.ts';
import { findRecorded, leftovers, redirectedHandlers, type RecordedContainers } from './recorded-containers.ts';
import { undoSleeps } from '../plan/prestop-sleep.ts';
import { escapeToken, type Operation } from '../../json/operation.ts';
import { restoreOperations } from '../plan/pod-changes.ts';
import { impossibleOriginals, restoredParts } from './restoration.ts';
import { containerLists, containersOf, type ContainerList } from '../../pod/containers.ts';
import { applyShared } from '../../json/apply.ts';
import { parseStatus, type InjectionStatus } from './status.ts';

/** Returns the entries of a list at their indices; an entry that is not an object becomes an empty one. */
function objectsIn(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.map((entry: Json) => (isObject(entry) ? entry : {})) : [];
}

/** Restores what was there before we created the parent at the pointer, or undefined if we did not. */
function restoreParent(pointer: string, { undo: made }: InjectionStatus): Operation[] | undefined {
  if (made.absent.includes(pointer)) return [{ op: 'remove', path: pointer }];
  return made.null.includes(pointer) ? [{ op: 'replace', path: pointer, value: null }] : undefined;
}

/** Restores the recorded actions of handlers that still point to the status port, whatever their container is called. */
function probeOperations(list: ContainerList, containers: readonly Json[], record: InjectionStatus): Operation[] {
  return containers.flatMap((container, index): Operation[] => {
    if (!isObject(container)) return [];
    return redirectedHandlers(container).flatMap(({ field, container: name, original: from }): Operation[] => {
      const original = objectMember(objectMember(record.undo.probes, name), from);
      const [key] = Object.keys(original ?? {});
      if (original === undefined || key === undefined) return [];
      const pointer = `/spec/${list}/${index}/${field}`;
      const value = member(original, key) ?? null;
      return key === 'httpGet'
        ? [{ op: 'replace', path: `${pointer}/httpGet`, value }]
        : [
            { op: 'remove', path: `${pointer}/httpGet` },
            { op: 'add', path: `${pointer}/${escapeToken(key)}`, value },
          ];
    });
  });
}

/** Removes added variables and mounts from the pod's own containers, wherever they are now. */
function editedOperations(
  list: ContainerList,
  containers: readonly Json[],
  record: InjectionStatus,
  nameOf: RecordedContainers['nameOf'],
): Operation[] {
  return containers.flatMap((container, index): Operation[] => {
    if (!isObject(container)) return [];
    const name = nameOf(container);
    return record.undo.edits
      .filter((edit) => edit.container === name)
      .flatMap(({ field, keys, was }): Operation[] => {
        const pointer = `/spec/${list}/${index}/${field}`;
        const key = field === 'env' ? 'name' : 'mountPath';
        const entries = objectsIn(member(container, field));
        const ours = entries.flatMap((entry, at) => (keys.includes(stringMember(entry, key) ?? '') ? [at] : []));
        if (ours.length === entries.length && ours.length > 0 && was !== undefined) {
          return [was === 'absent' ? { op: 'remove', path: pointer } : { op: 'replace', path: pointer, value: null }];
        }
        return ours.toReversed().map((at): Operation => ({ op: 'remove', path: `${pointer}/${at}` }));
      });
  });
}

/** Removes named entries from a list and restores what was there before: nothing, null, or the remaining entries. */
function listOperations(
  pointer: string,
  list: readonly Json[] | undefined,
  remove: readonly string[],
  restore: readonly { readonly index: number; readonly container: JsonObject }[],
  record: InjectionStatus,
): Operation[] {
  if (list === undefined) {
    return restore.length === 0 ? [] : [{ op: 'add', path: pointer, value: restore.map(({ container }) => container) }];
  }
  const indices = remove
    .map((name) => list.findIndex((item) => isObject(item) && stringMember(item, 'name') === name))
    .filter((index) => index >= 0)
    .toSorted((left, right) => right - left);
  const left = list.length - indices.length;
  const parent = left === 0 && restore.length === 0 ? restoreParent(pointer, record) : undefined;
  return (
    parent ?? [
      ...indices.map((index): Operation => ({ op: 'remove', path: `${pointer}/${index}` })),
      ...restore
        .toSorted((one, other) => one.index - other.index)
        .map((entry, offset): Operation => ({
          op: 'add',
          path: `${pointer}/${Math.min(entry.index, left + offset)}`,
          value: entry.container,
        })),
    ]
  );
}

function mapOperations(
  pointer: string,
  map: JsonObject,
  remove: readonly string[],
  record: InjectionStatus,
): Operation[] {
  const present = remove.filter((key) => Object.hasOwn(map, key));
  const parent = present.length === Object.keys(map).length ? restoreParent(pointer, record) : undefined;
  return parent ?? present.map((key) => ({ op: 'remove', path: `${pointer}/${escapeToken(key)}` }));
}

function metadataOperations(view: PodView, record: InjectionStatus): Operation[] {
  const { labels, annotations, metadata } = view;
  const operations: Operation[] = [];
  if (labels !== undefined) operations.push(...mapOperations('/metadata/labels', labels, record.undo.labels, record));
  if (annotations !== undefined) {
    const ours = [...record.undo.annotations, statusAnnotation];
    operations.push(...mapOperations('/metadata/annotations', annotations, ours, record));
  }
  const emptied = Object.keys(metadata ?? {}).every((key) =>
    operations.some((operation) => operation.op === 'remove' && operation.path === `/metadata/${escapeToken(key)}`),
  );
  return (emptied ? restoreParent('/metadata', record) : undefined) ?? operations;
}

/** Returns the operations that undo the recorded injection. */
function undoOperations(view: PodView, record: InjectionStatus): Operation[] {
  const list = (name: string): readonly Json[] | undefined => {
    const value = member(view.spec, name);
    return Array.isArray(value) ? (value as readonly Json[]) : undefined;
  };
  const { own, overrides, secrets, sleeps } = record.undo;
  const { nameOf } = findRecorded(view, record);
  // A container or a volume may have been moved without being injected.
  const namesOf = (objects: readonly { readonly container: JsonObject; readonly removed?: true }[]): string[] =>
    objects.flatMap(({ container, removed }) => (removed === true ? [] : [stringMember(container, 'name') ?? '']));
  const taken = namesOf(overrides);
  const volumes = own.volumes.map(({ volume, ...rest }) => ({ ...rest, container: volume }));
  const takenVolumes = [...new Set([...record.volumes, ...namesOf(volumes)])];
  return [
    ...containerLists.flatMap((name) => [
      ...probeOperations(name, list(name) ?? [], record),
      ...editedOperations(name, list(name) ?? [], record, nameOf),
    ]),
    ...undoSleeps(view, sleeps, nameOf),
    ...containerLists.flatMap((name): Operation[] => {
      const restore = overrides.filter((override) => override.list === name);
      const remove = [...new Set([...record[name], ...taken])];
      return listOperations(`/spec/${name}`, list(name), remove, restore, record);
    }),
    ...listOperations('/spec/volumes', list('volumes'), takenVolumes, volumes, record),
    ...listOperations(
      '/spec/imagePullSecrets',
      list('imagePullSecrets'),
      record.imagePullSecrets.filter((name) => !secrets.includes(name)),
      [],
      record,
    ),
    ...metadataOperations(view, record),
    ...restoreOperations(view, own),
  ];
}

/**
 * Returns the pod without what the operations take away, or undefined if it has not all of that. Anybody may have written the record,
 * such as one that takes it away twice.
 */
function without(pod: JsonObject, operations: readonly Operation[]): JsonObject | undefined {
  try {
    const result = applyShared(pod, operations);
    return isObject(result) ? result : undefined;
  } catch {
    return undefined;
  }
}

/** Result of undoing an injection. */
export interface Undoing {
  /** JSON Pointers are relative to the pod. Empty if there are problems. */
  readonly operations: readonly Operation[];
  /** The pod as it was before the injection; undefined if nothing is undone. It shares values with the pod and the operations. */
  readonly pod?: JsonObject;
  /** What is restored from the annotation alone and is not visible elsewhere in the manifest, one entry each. */
  readonly restored: readonly string[];
  /**
   * What the annotation would restore although no injection can have removed it. If there is any, nothing is undone.
   */
  readonly problems: readonly string[];
  /**
   * What of the injection would stay, because somebody has renamed or moved it and the annotation does not tell what it
   * was; or that its record does not fit the pod. If there is any, nothing is undone.
   */
  readonly leftovers: readonly string[];
}

/**
 * Returns the exact inverse of an injection of ours as a JSON Patch of the pod, or undefined if the pod has no status
 * annotation of ours.
 */
export function undo(pod: JsonObject): Undoing | undefined {
  const view = viewPod(pod);
  const status = member(view.annotations, statusAnnotation);
  const record = status === undefined ? undefined : parseStatus(status);
  if (record === undefined) return undefined;
  const problems = impossibleOriginals(record, {
    containers: containersOf(view).map(({ name }) => name),
    volumes: objectsMember(view.spec, 'volumes').map((volume) => stringMember(volume, 'name') ?? ''),
  });
  const left = problems.length > 0 ? [] : leftovers(view, record);
  const none = { operations: [], restored: [], problems };
  if (problems.length + left.length > 0) return { ...none, leftovers: left };
  const operations = undoOperations(view, record);
  const before = without(pod, operations);
  if (before === undefined) return { ...none, leftovers: ['its record does not fit the pod'] };
  return { operations, pod: before, restored: restoredParts(record), problems, leftovers: [] };
}
