import { parseQuantity } from '../../grammar/quantity.ts';
import { quote } from '../../grammar/problem.ts';
import { objectMember, type Json, type JsonObject } from '../../json/json.ts';
import { applicationContainers } from '../../pod/containers.ts';
import { names } from '../../pod/conventions.ts';
import type { PodView } from '../../pod/view.ts';
import { draftOf, type PodSettings } from '../../settings/effective.ts';
import type { Resources } from '../../settings/schema/values.ts';
import { allOf, type Plan } from './plan.ts';

const deciding = ['cpu', 'memory'] as const;

function amount(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : typeof value === 'string' ? parseQuantity(value) : undefined;
}

/** Returns whether limits are set and equal to the requests; without a request, Kubernetes uses the limit. */
function isGuaranteed(resources: JsonObject | undefined): boolean {
  return deciding.every((name) => {
    const limit = amount(objectMember(resources, 'limits')?.[name]);
    const request = amount(objectMember(resources, 'requests')?.[name]) ?? limit;
    return limit !== undefined && limit > 0 && request === limit;
  });
}

/**
 * Returns whether the pod has QoS class Guaranteed without injection (kubernetes/pkg/apis/core/v1/helper/qos): every
 * container, init containers included, has requests equal to its limits. The resources of the pod as a whole decide alone
 * if it has some, whatever its containers have, so that injection changes nothing then.
 */
function losesByInjection(view: PodView): boolean {
  const pod = objectMember(view.spec, 'resources');
  const byPod = ['requests', 'limits'].some((list) =>
    deciding.some((name) => objectMember(pod, list)?.[name] !== undefined),
  );
  const own = applicationContainers(view);
  return !byPod && own.length > 0 && own.every(({ raw }) => isGuaranteed(objectMember(raw, 'resources')));
}

/** Returns the resources with requests as high as the limits. */
function fixed({ requests, limits }: Resources): Resources {
  return { requests: { ...requests, ...limits }, limits };
}

/**
 * Returns the settings of a pod that keeps QoS class Guaranteed: if the pod and its proxy have it, the init container gets
 * requests as high as its limits. It ends before anything else starts, so that this costs nothing. The proxy's resources
 * are never changed: requests as high as its usual limits would reserve cores, and limits as low as its requests would
 * throttle it.
 *
 * @param own the pod's own copy of the proxy
 */
export function keepGuaranteed(view: PodView, effective: PodSettings, own: JsonObject | undefined): PodSettings {
  const asked = objectMember(own, 'resources');
  const { requests, limits } = effective.proxy.resources;
  const proxy: JsonObject = {
    requests: { ...requests, ...objectMember(asked, 'requests') },
    limits: { ...limits, ...objectMember(asked, 'limits') },
  };
  if (!isGuaranteed(proxy) || !losesByInjection(view)) return effective;
  const draft = draftOf(effective);
  draft.capture.resources = fixed(draft.capture.resources);
  return draft;
}

/** Warns about a pod that loses QoS class Guaranteed by what the plan adds. */
export function warningsAboutClass(view: PodView, plan: Pick<Plan, 'containers'>): string[] {
  if (!losesByInjection(view)) return [];
  const added = [...allOf(plan.containers.initContainers), ...allOf(plan.containers.containers)];
  const others = added.filter((container) => !isGuaranteed(objectMember(container, 'resources')));
  if (others.length === 0) return [];
  const which = others.map(({ name }) => quote(name)).join(', ');
  const lost = `the pod loses QoS class Guaranteed, because requests and limits differ in ${which}`;
  if (!others.some(({ name }) => name === names.proxyContainer)) return [lost];
  return [`${lost}; equal sidecar.istio.io/proxyCPU and proxyCPULimit, and proxyMemory and proxyMemoryLimit, keep it`];
}
