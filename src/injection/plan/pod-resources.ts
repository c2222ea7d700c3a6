import { isInjectedName } from '../../pod/containers.ts';
import { runsOn, type Fragment, type PlacedContainer } from '../../sidecars/fragment.ts';
import type { PodView } from '../../pod/view.ts';
import { quantityText } from '../../grammar/quantity.ts';
import { names } from '../../pod/conventions.ts';
import { draftOf, type PodSettings } from '../../settings/effective.ts';
import { isSame, objectMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { parseQuantity } from '../../grammar/quantity.ts';

const shared = ['cpu', 'memory'] as const;
type Shared = (typeof shared)[number];

function amount(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' ? parseQuantity(value) : undefined;
}

/** Returns the request of a container; without one, Kubernetes uses the limit. */
function requestOf(container: JsonObject, resource: Shared): number {
  const resources = objectMember(container, 'resources');
  const of = (list: string): number | undefined => amount(objectMember(resources, list)?.[resource]);
  return of('requests') ?? of('limits') ?? 0;
}

/**
 * Returns what the pod's own containers request, without injected ones: `sidecars` for its native sidecars, `worst` for
 * the most at any time (KEP-753: sidecars keep running, init containers end).
 */
function ownRequests(view: PodView, resource: Shared): { readonly sidecars: number; readonly worst: number } {
  const own = (containers: readonly JsonObject[]): JsonObject[] =>
    containers.filter((container) => !isInjectedName(stringMember(container, 'name') ?? ''));
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

/** Returns the largest quantity not above the number, in whole millicores or bytes. */
function wholeQuantity(resource: Shared, value: number): string {
  return resource === 'cpu' ? `${Math.floor(value * 1000 + 1e-6)}m` : String(Math.floor(value));
}

type Amounts = { [resource: string]: Json | undefined };

/** Resources of one injected container, reduced in place if they do not fit. */
interface Demand {
  readonly name: string;
  readonly requests: Amounts;
  readonly limits: Amounts;
}

function demandOf(container: PlacedContainer['container']): Demand {
  const resources = objectMember(container, 'resources');
  return {
    name: container.name,
    requests: { ...objectMember(resources, 'requests') },
    limits: { ...objectMember(resources, 'limits') },
  };
}

function requestedBy({ requests, limits }: Demand, resource: Shared): number {
  return amount(requests[resource]) ?? amount(limits[resource]) ?? 0;
}

/**
 * Injected containers in the order in which they get their share: declared sidecars, the proxy, containers that only
 * start the pod.
 */
interface Demands {
  readonly running: readonly Demand[];
  readonly starting: readonly Demand[];
}

/** Reduces a demand. If the limit counts as the request because there is none, an explicit request is written. */
function cut(demand: Demand, list: 'requests' | 'limits', resource: Shared, most: number, warnings: string[]): void {
  const value = list === 'requests' ? requestedBy(demand, resource) : (amount(demand.limits[resource]) ?? 0);
  if (value <= most) return;
  const after = wholeQuantity(resource, Math.max(0, most));
  demand[list][resource] = after;
  const shown = quantityText(resource, Math.max(0, most));
  warnings.push(`${demand.name}: ${resource} ${list} are reduced to ${shown}, to fit into the pod's resources`);
}

function fitOne(view: PodView, { running, starting }: Demands, resource: Shared, warnings: string[]): void {
  const pod = objectMember(view.spec, 'resources');
  const limit = amount(objectMember(pod, 'limits')?.[resource]);
  const request = amount(objectMember(pod, 'requests')?.[resource]) ?? limit;
  const all = [...running, ...starting];
  if (limit !== undefined) for (const demand of all) cut(demand, 'limits', resource, limit, warnings);
  if (request === undefined) return;
  const own = ownRequests(view, resource);
  let used = 0;
  for (const demand of running) {
    cut(demand, 'requests', resource, request - own.worst - used, warnings);
    used += requestedBy(demand, resource);
  }
  // The pod's sidecars already run when these do, and the injected ones may, depending on their place.
  for (const demand of starting) cut(demand, 'requests', resource, request - own.sidecars - used, warnings);
  for (const demand of all) {
    const most = amount(demand.limits[resource]);
    if (most !== undefined) cut(demand, 'requests', resource, most, warnings);
  }
}

/** The injection with resources that fit into those of the pod. */
interface Fitted {
  readonly effective: PodSettings;
  readonly declared: ReadonlyMap<string, Fragment>;
  readonly warnings: readonly string[];
}

function withDemands(fragment: Fragment, demands: ReadonlyMap<PlacedContainer, Demand>): Fragment {
  const containers = fragment.containers.map((placed): PlacedContainer => {
    const { requests = {}, limits = {} } = demands.get(placed) ?? {};
    const resources = objectMember(placed.container, 'resources');
    const next = {
      ...resources,
      ...(Object.keys(requests).length === 0 ? {} : { requests }),
      ...(Object.keys(limits).length === 0 ? {} : { limits }),
    };
    if (isSame(next, resources ?? {})) return placed;
    const { text: _, ...others } = placed;
    return { ...others, container: { ...placed.container, resources: next } };
  });
  return { ...fragment, containers };
}

/** Reduces the demands where they do not fit, and returns a warning for every change. */
function fit(view: PodView, demands: Demands): string[] {
  const warnings: string[] = [];
  for (const resource of shared) fitOne(view, demands, resource, warnings);
  return warnings;
}

/** The demands of placed containers, those that run beside the application apart from those that only start the pod. */
function divide(demands: ReadonlyMap<PlacedContainer, Demand>): Demands {
  const of = (runs: boolean): Demand[] =>
    [...demands].filter(([placed]) => runsOn(placed) === runs).map(([, demand]) => demand);
  return { running: of(true), starting: of(false) };
}

function demandsOf(containers: readonly PlacedContainer[]): Map<PlacedContainer, Demand> {
  return new Map(containers.map((placed) => [placed, demandOf(placed.container)]));
}

/**
 * Fits the resources of finished fragments into those of the pod, by the rules of `fitPodResources`. Earlier fragments get
 * their share first.
 *
 * @param application names of containers that are the pod's own, although a fragment replaces them
 */
export function fitFragments(
  view: PodView,
  fragments: readonly Fragment[],
  application: ReadonlySet<string>,
): { readonly fragments: readonly Fragment[]; readonly warnings: readonly string[] } {
  if (objectMember(view.spec, 'resources') === undefined) return { fragments, warnings: [] };
  const injected = fragments.flatMap(({ containers }) => containers);
  const demands = demandsOf(injected.filter(({ container }) => !application.has(container.name)));
  const warnings = fit(view, divide(demands));
  return { fragments: fragments.map((fragment) => withDemands(fragment, demands)), warnings };
}

/**
 * Fits the resources of the injected containers into those of the pod (`spec.resources`, Kubernetes 1.34): the API
 * server rejects a pod whose containers together request more, or one of whose containers has a higher limit
 * (kubernetes/pkg/apis/core/validation, validatePodResources). Declared sidecars come first, in the order of selection,
 * and the proxy gets the rest. Without `spec.resources`, everything is returned unchanged.
 */
export function fitPodResources(
  view: PodView,
  effective: PodSettings,
  declared: ReadonlyMap<string, Fragment>,
  withProxy: boolean,
): Fitted {
  if (objectMember(view.spec, 'resources') === undefined) return { effective, declared, warnings: [] };
  const draft = draftOf(effective);
  const demands = demandsOf([...declared.values()].flatMap(({ containers }) => containers));
  const { running, starting } = divide(demands);
  const proxy = { name: names.proxyContainer, ...draft.proxy.resources };
  const init = { name: names.initContainer, ...draft.capture.resources };
  const warnings = fit(view, {
    running: [...running, ...(withProxy ? [proxy] : [])],
    starting: [...starting, ...(withProxy ? [init] : [])],
  });
  if (warnings.length === 0) return { effective, declared, warnings };
  return {
    effective: draft,
    declared: new Map([...declared].map(([name, fragment]) => [name, withDemands(fragment, demands)])),
    warnings,
  };
}
