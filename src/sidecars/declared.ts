import { stringMember, type JsonObject } from '../settings/json.ts';
import type { SidecarTemplate } from '../settings/schema/template.ts';
import type { Fragment, PlacedContainer } from './fragment.ts';

type Named = JsonObject & { readonly name: string };

/** A declared template as a fragment: native sidecars and init containers first, containers after the pod's own. */
export function declaredFragment(template: SidecarTemplate): Fragment {
  const { spec } = template;
  const place = (container: unknown, placement: PlacedContainer['placement']): PlacedContainer => ({
    container: container as Named,
    placement,
  });
  return {
    source: template.metadata.name,
    containers: [
      ...spec.initContainers.map((container) =>
        place(container, {
          list: 'initContainers',
          at: stringMember(container as JsonObject, 'restartPolicy') === 'Always' ? 'first' : 'last',
        }),
      ),
      ...spec.containers.map((container) => place(container, { list: 'containers', at: 'last' })),
    ],
    volumes: spec.volumes as unknown as Named[],
    labels: spec.labels,
    annotations: spec.annotations,
    imagePullSecrets: spec.imagePullSecrets,
  };
}
