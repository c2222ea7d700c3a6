import type { PodView } from '../../pod/view.ts';
import { member, objectMember, objectsMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { escapeToken, type Operation } from '../../json/operation.ts';

/** Changes to the pod's own values outside its containers. */
export interface PodChanges {
  /** Keys that the pod already has with a different value. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly removedLabels: readonly string[];
  readonly removedAnnotations: readonly string[];
  /** Other members of the spec with their complete new values; null removes one. */
  readonly fields: JsonObject;
  /** Volumes that are removed, because added volumes have their names or for good. */
  readonly volumes: readonly ChangedVolume[];
}

/** A volume of the pod that is removed, and its place. `removed` means that none of its name is added again. */
interface ChangedVolume {
  readonly index: number;
  readonly volume: JsonObject;
  readonly removed?: true;
}

/** Returns the entries of `wanted` that the map already has with a different value. */
export function otherValues(
  wanted: Readonly<Record<string, string>>,
  map: JsonObject | undefined,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(wanted).filter(
      ([key, value]) => map !== undefined && Object.hasOwn(map, key) && member(map, key) !== value,
    ),
  );
}

/** Returns changes of annotations alone: those that the pod has with a different value. */
export function changedAnnotations(view: PodView, wanted: Readonly<Record<string, string>>): PodChanges {
  const annotations = otherValues(wanted, view.annotations);
  return { labels: {}, annotations, removedLabels: [], removedAnnotations: [], fields: {}, volumes: [] };
}

/** How to undo the changes: the originals by name. */
export interface OwnOriginals {
  readonly labels: JsonObject;
  readonly annotations: JsonObject;
  /** Other members of the spec; null for one that was not there. */
  readonly fields: JsonObject;
  readonly volumes: PodChanges['volumes'];
}

const maps = ['labels', 'annotations'] as const;

function present(map: JsonObject | undefined, keys: readonly string[]): string[] {
  return keys.filter((key) => map !== undefined && Object.hasOwn(map, key));
}

/**
 * Returns the removals of volumes that are added again. Their indices are those of the original pod, so they come
 * before any addition.
 */
export function volumeRemovals(changes: PodChanges): Operation[] {
  return changes.volumes
    .toSorted((left, right) => right.index - left.index)
    .map(({ index }) => ({ op: 'remove', path: `/spec/volumes/${index}` }));
}

/** Returns changes of metadata and of members of the spec. Only keys the pod already has; additions are written elsewhere. */
export function changeOperations(view: PodView, changes: PodChanges): Operation[] {
  const operations: Operation[] = [];
  const removed = { labels: changes.removedLabels, annotations: changes.removedAnnotations };
  for (const map of maps) {
    for (const key of present(view[map], Object.keys(changes[map]))) {
      operations.push({ op: 'replace', path: `/metadata/${map}/${escapeToken(key)}`, value: changes[map][key] ?? '' });
    }
    for (const key of present(view[map], removed[map])) {
      operations.push({ op: 'remove', path: `/metadata/${map}/${escapeToken(key)}` });
    }
  }
  return [...operations, ...fieldOperations(view, changes.fields)];
}

/** Returns the operations that give members of the spec these values; null removes one. */
function fieldOperations({ spec }: PodView, fields: JsonObject): Operation[] {
  return Object.entries(fields).flatMap(([name, value]): Operation[] => {
    const path = `/spec/${escapeToken(name)}`;
    if (value !== undefined && value !== null) return [{ op: 'add', path, value }];
    return spec !== undefined && Object.hasOwn(spec, name) ? [{ op: 'remove', path }] : [];
  });
}

function originalsIn(map: JsonObject | undefined, keys: readonly string[]): JsonObject {
  return Object.fromEntries(present(map, keys).map((key) => [key, map?.[key] ?? null]));
}

/** Returns what the pod had before the changes. */
export function originalsOf(view: PodView, changes: PodChanges): OwnOriginals {
  const annotations = [...Object.keys(changes.annotations), ...changes.removedAnnotations];
  const fields = Object.keys(changes.fields).map((key): [string, Json] => [key, member(view.spec, key) ?? null]);
  return {
    labels: originalsIn(view.labels, [...Object.keys(changes.labels), ...changes.removedLabels]),
    annotations: originalsIn(view.annotations, annotations),
    fields: Object.fromEntries(fields),
    volumes: changes.volumes,
  };
}

/** Returns the originals for the undo record, or undefined if nothing of the pod's own was changed. */
export function writeOriginals(originals: OwnOriginals): JsonObject | undefined {
  const { labels, annotations, fields, volumes } = originals;
  const kept: JsonObject = {
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(Object.keys(fields).length === 0 ? {} : { fields }),
    ...(volumes.length === 0 ? {} : { volumes: volumes as unknown as Json }),
  };
  return Object.keys(kept).length === 0 ? undefined : kept;
}

/** Returns the member `index` of a recorded entry: where in its list it stood. Undefined if it cannot be that. */
export function indexMember(entry: JsonObject): number | undefined {
  const index = member(entry, 'index');
  return typeof index === 'number' && Number.isInteger(index) && index >= 0 ? index : undefined;
}

/** Reads the originals from the undo record. Of a damaged record, what is still readable is returned. */
export function readOriginals(kept: JsonObject | undefined): OwnOriginals {
  // Earlier releases changed this member alone, and recorded it by its name.
  const securityContext = member(kept, 'securityContext');
  return {
    labels: objectMember(kept, 'labels') ?? {},
    annotations: objectMember(kept, 'annotations') ?? {},
    fields: { ...(securityContext === undefined ? {} : { securityContext }), ...objectMember(kept, 'fields') },
    volumes: objectsMember(kept, 'volumes').flatMap((entry) => {
      const volume = objectMember(entry, 'volume');
      const index = indexMember(entry);
      if (volume === undefined || index === undefined) return [];
      return [{ index, volume, ...(member(entry, 'removed') === true ? { removed: true as const } : {}) }];
    }),
  };
}

/** Returns the operations that restore the originals. */
export function restoreOperations(view: PodView, originals: OwnOriginals): Operation[] {
  const operations: Operation[] = [];
  for (const map of maps) {
    for (const [key, value] of Object.entries(originals[map])) {
      if (view[map] === undefined || value === undefined || stringMember(view[map], key) === value) continue;
      operations.push({ op: 'add', path: `/metadata/${map}/${escapeToken(key)}`, value });
    }
  }
  return [...operations, ...fieldOperations(view, originals.fields)];
}
