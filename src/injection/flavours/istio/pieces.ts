import type { Fragment, PlacedContainer } from '../../../sidecars/fragment.ts';
import type { RenderedPod } from '../../../istio/templates/render.ts';
import { containerLists, containersOf, type ContainerList, type PodContainer } from '../../../pod/containers.ts';
import { withRewrittenHandler } from '../../../pod/handler.ts';
import type { PodView } from '../../../pod/view.ts';
import { statusAnnotation } from '../../../pod/conventions.ts';
import { isSame, objectsMember, stringMember, type JsonObject, type NamedObject } from '../../../json/json.ts';
import { otherValues, type PodChanges } from '../../plan/pod-changes.ts';
import type { ProbeEdit } from '../../plan/probes.ts';

/**
 * Returns the objects of the pod's own list that stay where they are: the longest run of the result in which they stand
 * together and in their order. Everything else is taken out and added before or after them.
 */
function stayingIn(own: readonly JsonObject[], result: readonly JsonObject[]): readonly JsonObject[] {
  const places = new Map(own.map((object, index) => [object, index]));
  let longest = { from: 0, length: 0 };
  let [from, last] = [0, -1];
  result.forEach((object, index) => {
    const place = places.get(object);
    if (place === undefined || place < last) from = place === undefined ? index + 1 : index;
    last = place ?? -1;
    const length = index + 1 - from;
    if (length > longest.length) longest = { from, length };
  });
  return result.slice(longest.from, longest.from + longest.length);
}

/** Returns the containers of the result that do not stay, placed before those that do or after. */
function placed(rendered: RenderedPod, list: ContainerList, staying: ReadonlySet<JsonObject>): PlacedContainer[] {
  const result = rendered[list];
  const firstOwn = result.findIndex((container) => staying.has(container));
  return result.flatMap((container, index): PlacedContainer[] => {
    if (staying.has(container)) return [];
    const at = firstOwn >= 0 && index < firstOwn ? 'first' : 'last';
    const rewritten = (rendered.edits.get(container) ?? []).reduce(withRewrittenHandler, container);
    return [{ container: rewritten as NamedObject, placement: { list, at }, userMerged: true }];
  });
}

/**
 * Returns the pull secrets to add before the pod's own. Undefined if the result is not that: then the list as a whole is
 * replaced.
 */
function addedSecrets(own: readonly JsonObject[], result: readonly JsonObject[]): readonly string[] | undefined {
  const added = result.length - own.length;
  const isOwn = own.every((secret, index) => isSame(secret, result[added + index]));
  return isOwn ? result.slice(0, added).map((secret) => stringMember(secret, 'name') ?? '') : undefined;
}

/** The changes of a rendered pod, in the form that the plan needs. */
export interface Pieces {
  readonly fragment: Fragment;
  /** Containers of the pod that are taken from their places: the user's copies of added ones, and changed ones. */
  readonly overrides: readonly PodContainer[];
  readonly edits: readonly ProbeEdit[];
  readonly changes: PodChanges;
}

/** Derives the changes from a rendered pod by comparing object identity with the original pod. */
export function piecesOf(view: PodView, rendered: RenderedPod, source: string): Pieces {
  const staying = new Set(containerLists.flatMap((list) => stayingIn(view[list], rendered[list])));
  const present = containersOf(view);
  const overrides = present.filter(({ raw }) => !staying.has(raw));
  const edits = present.flatMap((at): ProbeEdit[] =>
    staying.has(at.raw) ? (rendered.edits.get(at.raw) ?? []).map((edit) => ({ at, ...edit })) : [],
  );
  const volumes = objectsMember(view.spec, 'volumes');
  const keptVolumes = new Set(stayingIn(volumes, rendered.volumes));
  const addedVolumes = rendered.volumes.filter((volume) => !keptVolumes.has(volume)) as NamedObject[];
  const firstKept = rendered.volumes.findIndex((volume) => keptVolumes.has(volume));
  const addedNames = new Set(addedVolumes.map(({ name }) => name));
  const secrets = addedSecrets(objectsMember(view.spec, 'imagePullSecrets'), rendered.imagePullSecrets);
  return {
    fragment: {
      source,
      containers: containerLists.flatMap((list) => placed(rendered, list, staying)),
      volumes: addedVolumes,
      labels: rendered.labels,
      annotations: rendered.annotations,
      imagePullSecrets: secrets ?? [],
      // Without a volume that stays, all of them are first.
      volumesFirst: { last: firstKept < 0 ? [] : addedVolumes.slice(firstKept) },
    },
    overrides,
    edits,
    changes: {
      labels: otherValues(rendered.labels, view.labels),
      annotations: otherValues(rendered.annotations, view.annotations),
      removedLabels: rendered.removed.labels,
      // An existing status is replaced by ours. Removing it first keeps it among the recorded originals.
      removedAnnotations: [...new Set([...rendered.removed.annotations, statusAnnotation])],
      fields: { ...rendered.fields, ...(secrets === undefined ? { imagePullSecrets: rendered.imagePullSecrets } : {}) },
      volumes: volumes.flatMap((volume, index): PodChanges['volumes'] => {
        if (keptVolumes.has(volume)) return [];
        return [{ index, volume, ...(addedNames.has(stringMember(volume, 'name') ?? '') ? {} : { removed: true }) }];
      }),
    },
  };
}
