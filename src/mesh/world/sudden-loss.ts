import type { Endpoint, EndpointSlice } from './endpoint-slice.ts';
import type { Pod } from './pod.ts';
import { applyEvents, type World, type WorldEvent } from './world.ts';

/*
 * An API server that has lost its data, or that answers a list with a fraction of it, looks like a cluster in which nearly everything
 * was deleted. Who deletes on purpose does it in an order that shows: pods are marked, and endpoints are terminating before they go.
 */

/** What is held back after a sudden loss. */
export interface LossGuard {
  /** Services that lost most of their endpoints lately, and when. */
  readonly shrunk: ReadonlyMap<string, number>;
  /** What the API server says of the objects that are still shown as they were, by kind and key. */
  readonly held: ReadonlyMap<string, WorldEvent>;
  /** When what is held back is given on; undefined if nothing is. */
  readonly untilMs: number | undefined;
}

/** The guard of a world to which nothing has happened. */
export const calmGuard: LossGuard = { shrunk: new Map(), held: new Map(), untilMs: undefined };

/** More Services than this must shrink within the window; then removals are held back for a time. */
export const lossLimits = { services: 10, windowMs: 5_000, holdMs: 60_000 } as const;

/** The guard after a portion of events, the events that are given on, and the Services of a loss that begins with this portion. */
export interface GuardedEvents {
  readonly guard: LossGuard;
  readonly events: readonly WorldEvent[];
  readonly loss: readonly string[] | undefined;
}

const idOf = ({ kind, key }: WorldEvent): string => `${kind} ${key}`;

function isLeaving(pod: Pod | undefined): boolean {
  return pod !== undefined && (pod.isTerminating || pod.isOver);
}

/** Whether an endpoint may go without a word: it is not in use, or its pod is on its way out. */
function mayGo(endpoint: Endpoint, podOf: (key: string) => Pod | undefined): boolean {
  if (!endpoint.isReady || endpoint.isTerminating) return true;
  return endpoint.pod !== undefined && isLeaving(podOf(endpoint.pod));
}

function endpointsOf(world: World, service: string): readonly Endpoint[] {
  if (!world.service.has(service)) return [];
  return [...(world.slicesOfService.get(service) ?? [])].flatMap((key) => world.slice.get(key)?.endpoints ?? []);
}

/** Whether more than half of the endpoints that a Service had are gone, and no others have come. */
function shrinks(service: string, before: World, after: World): boolean {
  const had = endpointsOf(before, service).filter((endpoint) => !mayGo(endpoint, (key) => before.pod.get(key)));
  const has = endpointsOf(after, service).filter(
    ({ isTerminating, pod }) => !isTerminating && (pod === undefined || after.pod.has(pod) || !before.pod.has(pod)),
  );
  return countAddresses(has) * 2 < countAddresses(had);
}

function countAddresses(endpoints: readonly Endpoint[]): number {
  return new Set(endpoints.map(({ address }) => address)).size;
}

/** Whether an event can take an endpoint away. */
function takesAway(world: World, event: WorldEvent): boolean {
  if (event.value === undefined) return world[event.kind].has(event.key);
  if (event.kind !== 'slice') return false;
  const addresses = new Set(event.value.endpoints.map(({ address }) => address));
  return world.slice.get(event.key)?.endpoints.some(({ address }) => !addresses.has(address)) === true;
}

/** Splits events into what is given on and what is held back, in a world that has suddenly lost much. */
function hold(guard: LossGuard, world: World, events: readonly WorldEvent[]): GuardedEvents {
  // Only the last word on each object counts.
  const last = new Map(events.map((event) => [idOf(event), event]));
  const held = new Map(guard.held);
  const given: WorldEvent[] = [];

  function podOf(key: string): Pod | undefined {
    const event = last.get(`pod ${key}`);
    return event?.kind === 'pod' && event.value !== undefined ? event.value : world.pod.get(key);
  }

  /** The endpoints that a slice loses and that stay for now. An address that another pod has now is of no use to anybody. */
  function kept(shown: EndpointSlice | undefined, now: EndpointSlice | undefined): readonly Endpoint[] {
    if (now !== undefined && now.service !== shown?.service) return [];
    const addresses = new Set(now?.endpoints.map(({ address }) => address));
    return (shown?.endpoints ?? []).filter((endpoint) => {
      if (addresses.has(endpoint.address) || mayGo(endpoint, podOf)) return false;
      const owners = [...(world.podsOfAddress.get(endpoint.address) ?? [])];
      return endpoint.pod === undefined || owners.every((owner) => owner === endpoint.pod);
    });
  }

  for (const [id, event] of last) {
    held.delete(id);
    if (event.kind === 'slice') {
      const shown = world.slice.get(event.key);
      const rest = kept(shown, event.value);
      const endpoints = [...(event.value?.endpoints ?? []), ...rest];
      const base = event.value ?? shown;
      given.push({ ...event, value: base === undefined || rest.length === 0 ? event.value : { ...base, endpoints } });
      if (rest.length > 0) held.set(id, event);
    } else if (event.value === undefined && !(event.kind === 'pod' && isLeaving(world.pod.get(event.key)))) {
      if (world[event.kind].has(event.key)) held.set(id, event);
    } else given.push(event);
  }
  const untilMs = held.size === 0 ? undefined : guard.untilMs;
  return { guard: { shrunk: guard.shrunk, held, untilMs }, events: given, loss: undefined };
}

/**
 * Decides what of a portion of events is given on. If more than ten Services lose more than half of their endpoints within a few
 * seconds, and neither the endpoints nor their pods were terminating, then whatever takes something away is held back for a minute,
 * and whatever adds something is given on. If the objects come back, nothing was lost.
 *
 * @param world what is shown to proxies: the result of all events that were given on
 */
export function guardEvents(
  guard: LossGuard,
  world: World,
  events: readonly WorldEvent[],
  nowMs: number,
): GuardedEvents {
  if (guard.untilMs !== undefined) return hold(guard, world, events);
  const recent = new Map([...guard.shrunk].filter(([, atMs]) => nowMs - atMs < lossLimits.windowMs));
  if (!events.some((event) => takesAway(world, event))) {
    return { guard: { ...guard, shrunk: recent }, events, loss: undefined };
  }
  const { world: after, touched } = applyEvents(world, events);
  for (const service of new Set([...touched.services, ...touched.endpoints])) {
    if (shrinks(service, world, after)) recent.set(service, nowMs);
  }
  if (recent.size <= lossLimits.services) return { guard: { ...guard, shrunk: recent }, events, loss: undefined };
  const alarmed = { shrunk: recent, held: new Map(), untilMs: nowMs + lossLimits.holdMs };
  const guarded = hold(alarmed, world, events);
  return guarded.guard.untilMs === undefined ? guarded : { ...guarded, loss: [...recent.keys()] };
}

/** Gives on what is held back if its time has come. */
export function releaseHeld(guard: LossGuard, nowMs: number): GuardedEvents {
  if (guard.untilMs === undefined || nowMs < guard.untilMs) return { guard, events: [], loss: undefined };
  return { guard: calmGuard, events: [...guard.held.values()], loss: undefined };
}
