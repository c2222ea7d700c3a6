import type { RenderedPod } from '../../../istio/templates/render.ts';
import { objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { containersOf } from '../../../pod/containers.ts';
import type { PodView } from '../../../pod/view.ts';
import { quote } from '../../../grammar/problem.ts';
import { isInjectedIstioContainer } from '../../plan/injected-container.ts';
import { reason, type Reason } from '../../policy/reason.ts';

/** Names of the volumes of Istio's own templates. In a template of the values, the operator decides what replaces what. */
const istioName = /^istiod?-/;

function sourceOf(volume: JsonObject): string | undefined {
  return Object.keys(volume).find((field) => field !== 'name' && volume[field] !== undefined && volume[field] !== null);
}

/**
 * Returns conflicts between volumes of the pod and those of Istio's templates that have another source: one volume has one
 * source, and what mounts the pod's would get another. In a copy of an injected pod they are of earlier templates.
 */
export function volumeConflicts(view: PodView, { volumes }: RenderedPod): Reason[] {
  const sources = new Map(volumes.map((volume) => [stringMember(volume, 'name'), sourceOf(volume)]));
  const found = objectsMember(view.spec, 'volumes').flatMap((volume) => {
    const name = stringMember(volume, 'name') ?? '';
    const [own, wanted] = [sourceOf(volume), sources.get(name)];
    if (!istioName.test(name) || own === undefined || wanted === undefined || own === wanted) return [];
    const sentence = `volume ${quote(name)} of the pod has the source ${own}, and Istio's has ${wanted}; rename the pod's`;
    return [reason('NameConflict', sentence)];
  });
  return found.length > 0 && containersOf(view).some(isInjectedIstioContainer) ? [] : found;
}
