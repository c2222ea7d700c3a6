import type { PodView } from '../sidecars/pod-view.ts';
import { names } from '../settings/constants.ts';
import { draftOf, type Effective } from '../settings/effective.ts';
import { objectMember, stringMember, type Json, type JsonObject } from '../settings/json.ts';
import { parseQuantity } from '../settings/quantity.ts';
import { isInjectedName } from './override.ts';

const shared = ['cpu', 'memory'] as const;
type Shared = (typeof shared)[number];

function amount(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? parseQuantity(value) : undefined;
}

/** Request of a container; Kubernetes takes the limit for it when there is none. */
function requestOf(container: JsonObject, resource: Shared): number {
  const resources = objectMember(container, 'resources');
  const of = (list: string): number | undefined => amount(objectMember(resources, list)?.[resource]);
  return of('requests') ?? of('limits') ?? 0;
}

/** What the pod's own containers request, without those that we inject (KEP-753: sidecars stay, init containers pass). */
function ownRequests(view: PodView, resource: Shared): { readonly sidecars: number; readonly worst: number } {
  const own = (containers: readonly JsonObject[]): JsonObject[] =>
    containers.filter((container) => !isInjectedName(stringMember(container, 'name')));
  let sidecars = 0;
  let worst = 0;
  for (const container of own(view.initContainers)) {
    const request = requestOf(container, resource);
    if (stringMember(container, 'restartPolicy') === 'Always') sidecars += request;
    else worst = Math.max(worst, sidecars + request);
  }
  const running = own(view.containers).reduce((sum, container) => sum + requestOf(container, resource), sidecars);
  return { sidecars, worst: Math.max(worst, running) };
}

/** A quantity that is not above the number: whole millicores, whole bytes. */
function quantityText(resource: Shared, value: number): string {
  return resource === 'cpu' ? `${Math.floor(value * 1000 + 1e-6)}m` : String(Math.floor(value));
}

/**
 * Resources of the injected containers that fit into those of the pod (`spec.resources`, Kubernetes 1.34): the API
 * server refuses a pod whose containers together request more than it, or one of which has a higher limit
 * (kubernetes/pkg/apis/core/validation, validatePodResources). Without them the settings come back as they are.
 */
export function fitPodResources(
  view: PodView,
  effective: Effective,
): { readonly effective: Effective; readonly remarks: readonly string[] } {
  const pod = objectMember(view.spec, 'resources');
  if (pod === undefined) return { effective, remarks: [] };
  const fitted = draftOf(effective);
  const remarks: string[] = [];
  const bound = (part: 'proxy' | 'capture', list: 'requests' | 'limits', resource: Shared, most: number): void => {
    const values = fitted[part].resources[list];
    const value = values[resource];
    if (value === undefined || (parseQuantity(value) ?? 0) <= most) return;
    values[resource] = quantityText(resource, Math.max(0, most));
    const name = part === 'proxy' ? names.proxyContainer : names.initContainer;
    remarks.push(
      `${name}: ${resource} ${list} are ${values[resource]} and not ${value}, to fit into the pod's resources`,
    );
  };
  for (const resource of shared) {
    const limit = amount(objectMember(pod, 'limits')?.[resource]);
    const request = amount(objectMember(pod, 'requests')?.[resource]) ?? limit;
    if (limit !== undefined) {
      bound('proxy', 'limits', resource, limit);
      bound('capture', 'limits', resource, limit);
    }
    if (request === undefined) continue;
    const own = ownRequests(view, resource);
    bound('proxy', 'requests', resource, request - own.worst);
    // Beside a classic proxy the rules are loaded last, when the pod's own sidecars run already.
    bound('capture', 'requests', resource, request - own.sidecars);
    for (const part of ['proxy', 'capture'] as const) {
      const most = parseQuantity(fitted[part].resources.limits[resource] ?? '');
      if (most !== undefined) bound(part, 'requests', resource, most);
    }
  }
  return { effective: remarks.length === 0 ? effective : fitted, remarks };
}
