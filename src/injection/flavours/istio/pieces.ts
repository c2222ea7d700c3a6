import type { Fragment, PlacedContainer } from '../../../sidecars/fragment.ts';
import type { RenderedPod } from '../../../istio/templates/render.ts';
import { containerLists, containersOf, type ContainerList, type PodContainer } from '../../../pod/containers.ts';
import type { PodView } from '../../../pod/view.ts';
import { statusAnnotation } from '../../../pod/conventions.ts';
import { objectsMember, type JsonObject, type NamedObject } from '../../../json/json.ts';
import { otherValues, type PodChanges } from '../../plan/pod-changes.ts';
import type { ProbeEdit } from '../../plan/probes.ts';

/** Returns the containers of the result that are not the pod's own, placed before the first own container or after. */
function placed(list: ContainerList, result: readonly JsonObject[], own: ReadonlySet<JsonObject>): PlacedContainer[] {
  const firstOwn = result.findIndex((container) => own.has(container));
  return result.flatMap((container, index): PlacedContainer[] => {
    if (own.has(container)) return [];
    const at = firstOwn >= 0 && index < firstOwn ? 'first' : 'last';
    return [{ container: container as NamedObject, placement: { list, at }, userMerged: true }];
  });
}

/** The changes of a rendered pod, in the form that the plan needs. */
export interface Pieces {
  readonly fragment: Fragment;
  /** The pod's own copies of added containers, which are removed from their place. */
  readonly overrides: readonly PodContainer[];
  readonly edits: readonly ProbeEdit[];
  readonly changes: PodChanges;
}

/** Derives the changes from a rendered pod by comparing object identity with the original pod. */
export function piecesOf(view: PodView, rendered: RenderedPod, source: string): Pieces {
  const own = new Set([...view.initContainers, ...view.containers]);
  const kept = new Set([...rendered.initContainers, ...rendered.containers].filter((one) => own.has(one)));
  const present = containersOf(view);
  const overrides = present.filter(({ raw }) => !kept.has(raw));
  const edits = present.flatMap((at): ProbeEdit[] =>
    (rendered.edits.get(at.raw) ?? []).map((edit) => ({ at, ...edit })),
  );
  const volumes = objectsMember(view.spec, 'volumes');
  const ownVolumes = new Set(volumes);
  const keptVolumes = new Set(rendered.volumes);
  return {
    fragment: {
      source,
      containers: containerLists.flatMap((list) => placed(list, rendered[list], kept)),
      volumes: rendered.volumes.filter((volume) => !ownVolumes.has(volume)) as NamedObject[],
      labels: rendered.labels,
      annotations: rendered.annotations,
      imagePullSecrets: rendered.imagePullSecrets,
      volumesFirst: true,
    },
    overrides,
    edits,
    changes: {
      labels: otherValues(rendered.labels, view.labels),
      annotations: otherValues(rendered.annotations, view.annotations),
      // An existing status is replaced by ours. Removing it first keeps it among the recorded originals.
      removedAnnotations: [...rendered.removedAnnotations, statusAnnotation].filter(
        (key) => !Object.hasOwn(rendered.annotations, key),
      ),
      securityContext: rendered.securityContext,
      volumes: volumes.flatMap((volume, index) => (keptVolumes.has(volume) ? [] : [{ index, volume }])),
    },
  };
}
