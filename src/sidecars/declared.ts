import { stringMember, type JsonObject, type NamedObject } from '../json/json.ts';
import type { TemplateSpec } from '../settings/schema/template.ts';
import type { Fragment, PlacedContainer, Placement } from './fragment.ts';

function placementOf(container: JsonObject, list: Placement['list'], spec: TemplateSpec): Placement {
  const { proxy, application } = spec.order ?? {};
  const isNative = list === 'initContainers' && stringMember(container, 'restartPolicy') === 'Always';
  const usual = isNative ? 'before' : 'after';
  return { list, at: (application ?? usual) === 'before' ? 'first' : 'last', proxy };
}

/**
 * Returns the fragment of a declared template. By default, native sidecars go before the pod's init containers; init
 * containers and classic sidecars go after the pod's own. The template may order them otherwise.
 *
 * @param native whether sidecars of mode native can run as such
 */
export function declaredFragment(source: string, spec: TemplateSpec, native: boolean): Fragment {
  const place = (container: JsonObject, list: Placement['list']): PlacedContainer => ({
    container: container as NamedObject,
    placement: placementOf(container, list, spec),
  });
  const turned = spec.mode === 'native' && native;
  const containers = (spec.containers ?? []) as unknown as readonly NamedObject[];
  return {
    source,
    containers: [
      ...((spec.initContainers ?? []) as unknown as readonly NamedObject[]).map((container) =>
        place(container, 'initContainers'),
      ),
      ...containers.map((container) =>
        turned ? place({ ...container, restartPolicy: 'Always' }, 'initContainers') : place(container, 'containers'),
      ),
    ],
    volumes: (spec.volumes ?? []) as unknown as NamedObject[],
    labels: spec.labels ?? {},
    annotations: spec.annotations ?? {},
    imagePullSecrets: spec.imagePullSecrets ?? [],
    share: spec.share ?? [],
    application: spec.application ?? [],
  };
}
