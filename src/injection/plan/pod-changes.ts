import type { PodView } from '../../pod/view.ts';
import { member, objectMember, objectsMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { escapeToken, type Operation } from '../../json/operation.ts';

/** Changes to the pod's own values outside its containers. */
export interface PodChanges {
  /** Keys that the pod already has with a different value. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly removedAnnotations: readonly string[];
  /** The complete new value of `spec.securityContext`. */
  readonly securityContext: JsonObject | undefined;
  /** Volumes that are removed because added volumes have their names. */
  readonly volumes: readonly { readonly index: number; readonly volume: JsonObject }[];
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
  return { labels: {}, annotations, removedAnnotations: [], securityContext: undefined, volumes: [] };
}

/** How to undo the changes: the originals by name. */
export interface OwnOriginals {
  readonly labels: JsonObject;
  readonly annotations: JsonObject;
  readonly securityContext: Json | undefined;
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

/** Returns changes of metadata and security context. Only keys the pod already has; additions are written elsewhere. */
export function changeOperations(view: PodView, changes: PodChanges): Operation[] {
  const operations: Operation[] = [];
  for (const map of maps) {
    for (const key of present(view[map], Object.keys(changes[map]))) {
      operations.push({ op: 'replace', path: `/metadata/${map}/${escapeToken(key)}`, value: changes[map][key] ?? '' });
    }
  }
  for (const key of present(view.annotations, changes.removedAnnotations)) {
    operations.push({ op: 'remove', path: `/metadata/annotations/${escapeToken(key)}` });
  }
  if (changes.securityContext !== undefined) {
    operations.push({ op: 'add', path: '/spec/securityContext', value: changes.securityContext });
  }
  return operations;
}

function originalsIn(map: JsonObject | undefined, keys: readonly string[]): JsonObject {
  return Object.fromEntries(present(map, keys).map((key) => [key, map?.[key] ?? null]));
}

/** Returns what the pod had before the changes. */
export function originalsOf(view: PodView, changes: PodChanges): OwnOriginals {
  const annotations = [...Object.keys(changes.annotations), ...changes.removedAnnotations];
  return {
    labels: originalsIn(view.labels, Object.keys(changes.labels)),
    annotations: originalsIn(view.annotations, annotations),
    securityContext: changes.securityContext === undefined ? undefined : (view.spec?.['securityContext'] ?? null),
    volumes: changes.volumes,
  };
}

/** Returns the originals for the undo record, or undefined if nothing of the pod's own was changed. */
export function writeOriginals(originals: OwnOriginals): JsonObject | undefined {
  const { labels, annotations, securityContext, volumes } = originals;
  const kept: JsonObject = {
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(securityContext === undefined ? {} : { securityContext }),
    ...(volumes.length === 0 ? {} : { volumes }),
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
  return {
    labels: objectMember(kept, 'labels') ?? {},
    annotations: objectMember(kept, 'annotations') ?? {},
    securityContext: member(kept, 'securityContext'),
    volumes: objectsMember(kept, 'volumes').flatMap((entry) => {
      const volume = objectMember(entry, 'volume');
      const index = indexMember(entry);
      return volume === undefined || index === undefined ? [] : [{ index, volume }];
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
  if (originals.securityContext === null) {
    if (member(view.spec, 'securityContext') !== undefined) {
      operations.push({ op: 'remove', path: '/spec/securityContext' });
    }
  } else if (originals.securityContext !== undefined) {
    operations.push({ op: 'add', path: '/spec/securityContext', value: originals.securityContext });
  }
  return operations;
}
