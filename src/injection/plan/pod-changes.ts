import type { PodView } from '../../pod/view.ts';
import { isObject, member, objectMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { escapeToken, type Operation } from '../../json/operation.ts';

/** What changes of the pod's own, beside its containers. */
export interface PodChanges {
  /** Keys that the pod has with another value. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly removedAnnotations: readonly string[];
  /** The whole new value of `spec.securityContext`. */
  readonly securityContext: JsonObject | undefined;
  /** Volumes that leave their place: what was added has their names. */
  readonly volumes: readonly { readonly index: number; readonly volume: JsonObject }[];
}

/** What of the wanted entries the map has with another value. */
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

/** Changes of annotations alone: those that the pod has with another value. */
export function changedAnnotations(view: PodView, wanted: Readonly<Record<string, string>>): PodChanges {
  const annotations = otherValues(wanted, view.annotations);
  return { labels: {}, annotations, removedAnnotations: [], securityContext: undefined, volumes: [] };
}

/** How to take the changes back: the originals by name. */
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

/** Takes the volumes out that are added again; their indices are the pod's, so it comes before every addition. */
export function volumeRemovals(changes: PodChanges): Operation[] {
  return changes.volumes
    .toSorted((left, right) => right.index - left.index)
    .map(({ index }) => ({ op: 'remove', path: `/spec/volumes/${index}` }));
}

/** Changes of metadata and security context; keys that the pod does not have are none of them. */
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

/** What the pod had before the changes. */
export function originalsOf(view: PodView, changes: PodChanges): OwnOriginals {
  const annotations = [...Object.keys(changes.annotations), ...changes.removedAnnotations];
  return {
    labels: originalsIn(view.labels, Object.keys(changes.labels)),
    annotations: originalsIn(view.annotations, annotations),
    securityContext: changes.securityContext === undefined ? undefined : (view.spec?.['securityContext'] ?? null),
    volumes: changes.volumes,
  };
}

/** The originals as the record keeps them; undefined when nothing of the pod's own changed. */
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

/** Reads them back; a damaged record gives what is still readable of it. */
export function readOriginals(kept: JsonObject | undefined): OwnOriginals {
  const volumes = kept === undefined ? undefined : member(kept, 'volumes');
  return {
    labels: objectMember(kept, 'labels') ?? {},
    annotations: objectMember(kept, 'annotations') ?? {},
    securityContext: kept === undefined ? undefined : member(kept, 'securityContext'),
    volumes: (Array.isArray(volumes) ? (volumes as readonly Json[]) : []).flatMap((entry) => {
      const volume = isObject(entry) ? objectMember(entry, 'volume') : undefined;
      const index = isObject(entry) ? member(entry, 'index') : undefined;
      const isPlace = typeof index === 'number' && Number.isInteger(index) && index >= 0;
      return volume === undefined || !isPlace ? [] : [{ index, volume }];
    }),
  };
}

/** What brings the originals back. */
export function restoreOperations(view: PodView, originals: OwnOriginals): Operation[] {
  const operations: Operation[] = [];
  for (const map of maps) {
    for (const [key, value] of Object.entries(originals[map])) {
      if (view[map] === undefined || value === undefined || stringMember(view[map], key) === value) continue;
      operations.push({ op: 'add', path: `/metadata/${map}/${escapeToken(key)}`, value });
    }
  }
  if (originals.securityContext === null) operations.push({ op: 'remove', path: '/spec/securityContext' });
  else if (originals.securityContext !== undefined) {
    operations.push({ op: 'add', path: '/spec/securityContext', value: originals.securityContext });
  }
  return operations;
}
