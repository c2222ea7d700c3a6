import { isInjectedName, type PodContainer } from '../../pod/containers.ts';
import { runsOn, type Fragment, type PlacedContainer } from '../../sidecars/fragment.ts';
import type { PodView } from '../../pod/view.ts';
import { quantityText } from '../../grammar/quantity.ts';
import { names } from '../../pod/conventions.ts';
import {
  amountOf,
  balance,
  isBalanced,
  nothingAsked,
  resourcesIn,
  type Asked,
  type ContainerResources,
} from '../../pod/resources.ts';
import type { PodSettings } from '../../settings/effective.ts';
import type { Resources } from '../../settings/schema/values.ts';
import { isSame, objectMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { ownResources } from './own-resources.ts';

const shared = ['cpu', 'memory'] as const;
type Shared = (typeof shared)[number];

/** Returns the request of a container; without one, Kubernetes uses the limit. */
function requestOf(container: JsonObject, resource: Shared): number {
  const resources = objectMember(container, 'resources');
  const of = (list: string): number | undefined => amountOf(objectMember(resources, list)?.[resource]);
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

/** Resources of one injected container, changed in place if they do not fit. */
interface Demand extends ContainerResources {
  readonly name: string;
}

function demandOf(container: PlacedContainer['container']): Demand {
  return { name: container.name, ...resourcesIn(container) };
}

function requestedBy({ requests, limits }: Demand, resource: Shared): number {
  return amountOf(requests[resource]) ?? amountOf(limits[resource]) ?? 0;
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
  const value = list === 'requests' ? requestedBy(demand, resource) : (amountOf(demand.limits[resource]) ?? 0);
  if (value <= most) return;
  const after = wholeQuantity(resource, Math.max(0, most));
  demand[list][resource] = after;
  const shown = quantityText(resource, Math.max(0, most));
  warnings.push(`${demand.name}: ${resource} ${list} are reduced to ${shown}, to fit into the pod's resources`);
}

function fitOne(view: PodView, { running, starting }: Demands, resource: Shared, warnings: string[]): void {
  const pod = objectMember(view.spec, 'resources');
  const limit = amountOf(objectMember(pod, 'limits')?.[resource]);
  const request = amountOf(objectMember(pod, 'requests')?.[resource]) ?? limit;
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
    const most = amountOf(demand.limits[resource]);
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
  const isChanged = containers.some((placed, index) => placed !== fragment.containers[index]);
  return isChanged ? { ...fragment, containers } : fragment;
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

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/**
 * Resolves requests above limits, and returns a warning for each that follows a limit which nobody has asked for: it is
 * the operator who has set both.
 */
function balanceDemand(demand: Demand, asked: Asked = nothingAsked): string[] {
  const before = { ...demand.requests };
  balance(demand, asked);
  const { name, requests, limits } = demand;
  return Object.keys(before)
    .filter((resource) => requests[resource] !== before[resource] && !Object.hasOwn(asked.limits, resource))
    .map((resource) => {
      const was = textOf(before[resource]);
      return `${name}: ${resource} requests are ${textOf(limits[resource])} and not ${was}, which is above the limit`;
    });
}

/**
 * Fits the resources of finished fragments, by the rules of `fitPodResources`. Earlier fragments get their share first.
 *
 * @param application names of containers that are the pod's own, although a fragment replaces them: a template may have
 * given them a limit below their request, but they need not fit into what the pod has for them
 * @param copies the pod's own containers that are part of the fragments already
 */
export function fitFragments(
  view: PodView,
  fragments: readonly Fragment[],
  application: ReadonlySet<string>,
  copies: readonly PodContainer[],
): { readonly fragments: readonly Fragment[]; readonly warnings: readonly string[] } {
  const demands = demandsOf(fragments.flatMap(({ containers }) => containers));
  const injected = [...demands].filter(([{ container }]) => !application.has(container.name));
  const warnings = [...demands.values()].flatMap((demand) =>
    balanceDemand(demand, resourcesIn(copies.find(({ name }) => name === demand.name)?.raw)),
  );
  if (objectMember(view.spec, 'resources') !== undefined) warnings.push(...fit(view, divide(new Map(injected))));
  return { fragments: fragments.map((fragment) => withDemands(fragment, demands)), warnings };
}

/** What the injected containers ask for, before it is fitted. */
interface Wanted {
  readonly effective: PodSettings;
  readonly declared: ReadonlyMap<string, Fragment>;
  readonly withProxy: boolean;
  /** The pod's own copies of injected containers. */
  readonly overrides: readonly PodContainer[];
}

/** Returns the resources of the settings with those of the pod's own copy laid over them. */
function withOwn(name: string, resources: Resources, overrides: readonly PodContainer[]): [Demand, string[]] {
  const own = ownResources(overrides.find((override) => override.name === name)?.raw);
  const requests = { ...resources.requests, ...own.requests };
  const demand = { name, requests, limits: { ...resources.limits, ...own.limits } };
  return [demand, balanceDemand(demand, own)];
}

/** Returns whether there is nothing to fit, as in most pods. */
function isSettled(view: PodView, { effective, declared, overrides }: Wanted): boolean {
  if (overrides.length > 0 || declared.size > 0 || objectMember(view.spec, 'resources') !== undefined) return false;
  return isBalanced(effective.proxy.resources) && isBalanced(effective.capture.resources);
}

/**
 * Fits the resources of all that is injected, wherever they come from: settings, profiles, annotations, the pod's own
 * copies and templates. No request is above its limit (the API server rejects that), and they fit into those of the pod
 * (`spec.resources`, Kubernetes 1.34): the API server rejects a pod whose containers together request more, or one of
 * whose containers has a higher limit (kubernetes/pkg/apis/core/validation, validatePodResources). Declared sidecars come
 * first, in the order of selection, and the proxy gets the rest. What fits is returned unchanged.
 */
export function fitPodResources(view: PodView, wanted: Wanted): Fitted {
  const { effective, declared, withProxy, overrides } = wanted;
  if (isSettled(view, wanted)) return { effective, declared, warnings: [] };
  const demands = demandsOf([...declared.values()].flatMap(({ containers }) => containers));
  const warnings = [...demands.values()].flatMap((demand) => balanceDemand(demand));
  const { running, starting } = divide(demands);
  const [proxy, aboutProxy] = withOwn(names.proxyContainer, effective.proxy.resources, overrides);
  const [init, aboutInit] = withOwn(names.initContainer, effective.capture.resources, overrides);
  if (withProxy) warnings.push(...aboutProxy, ...aboutInit);
  if (objectMember(view.spec, 'resources') !== undefined) {
    const also = (demand: Demand): Demand[] => (withProxy ? [demand] : []);
    warnings.push(...fit(view, { running: [...running, ...also(proxy)], starting: [...starting, ...also(init)] }));
  }
  return {
    effective: withProxy ? withResources(effective, proxy, init) : effective,
    declared:
      demands.size === 0
        ? declared
        : new Map([...declared].map(([name, fragment]) => [name, withDemands(fragment, demands)])),
    warnings,
  };
}

/** Returns the settings with these resources; the same settings if they have them already. */
function withResources(effective: PodSettings, proxy: ContainerResources, init: ContainerResources): PodSettings {
  const of = ({ requests, limits }: ContainerResources): Resources => ({ requests, limits });
  const [forProxy, forInit] = [of(proxy), of(init)];
  if (isSame(forProxy, effective.proxy.resources) && isSame(forInit, effective.capture.resources)) return effective;
  return {
    ...effective,
    proxy: { ...effective.proxy, resources: forProxy },
    capture: { ...effective.capture, resources: forInit },
  };
}

/** Returns the settings with the resources that the proxy's container has by now. */
export function withResourcesOf(effective: PodSettings, proxy: JsonObject): PodSettings {
  return withResources(effective, ownResources(proxy), effective.capture.resources);
}
