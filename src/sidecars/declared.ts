import { stringMember, type JsonObject } from '../json/json.ts';
import type { TemplateSpec } from '../settings/schema/template.ts';
import type { Fragment, PlacedContainer, Placement } from './fragment.ts';

type Named = JsonObject & { readonly name: string };

function placementOf(container: JsonObject, list: Placement['list'], spec: TemplateSpec): Placement {
  const { proxy, application } = spec.order ?? {};
  const isNative = list === 'initContainers' && stringMember(container, 'restartPolicy') === 'Always';
  const usual = isNative ? 'before' : 'after';
  return { list, at: (application ?? usual) === 'before' ? 'first' : 'last', proxy };
}

/**
 * A declared template as a fragment: native sidecars before the pod's init containers, init containers and classic
 * sidecars after the pod's own, unless the template orders it otherwise. `native`: whether sidecars of mode native can
 * be run as such.
 */
export function declaredFragment(source: string, spec: TemplateSpec, native: boolean): Fragment {
  const place = (container: JsonObject, list: Placement['list']): PlacedContainer => ({
    container: container as Named,
    placement: placementOf(container, list, spec),
  });
  const turned = spec.mode === 'native' && native;
  const containers = (spec.containers ?? []) as unknown as readonly Named[];
  return {
    source,
    containers: [
      ...((spec.initContainers ?? []) as unknown as readonly Named[]).map((container) =>
        place(container, 'initContainers'),
      ),
      ...containers.map((container) =>
        turned ? place({ ...container, restartPolicy: 'Always' }, 'initContainers') : place(container, 'containers'),
      ),
    ],
    volumes: (spec.volumes ?? []) as unknown as Named[],
    labels: spec.labels ?? {},
    annotations: spec.annotations ?? {},
    imagePullSecrets: spec.imagePullSecrets ?? [],
    share: spec.share ?? [],
    application: spec.application ?? [],
  };
}
