import { isRuleKind } from '../rules/rule-kinds.ts';
import type { Endpoint, EndpointSlice } from './endpoint-slice.ts';
import type { Pod } from './pod.ts';
import { applyEvents, type World, type WorldEvent } from './world.ts';

/*
 * An API server that has lost its data, or that answers a list with a fraction of it, looks like a cluster in which nearly everything
 * was deleted. Who deletes on purpose does it in an order that shows: pods are marked, and endpoints are terminating before they go.
 */

/** What is held back. */
export interface LossGuard {
  /** What the API server says of the objects that are still shown as they were, by kind and key. */
  readonly held: ReadonlyMap<string, WorldEvent>;
  /** Undefined if nothing is held back. */
  readonly hold: Hold | undefined;
}

interface Hold {
  readonly sinceMs: number;
  /** When what is held back is given on. */
  readonly untilMs: number;
  /** Services that have lost most of their endpoints. */
  readonly services: number;
  /** Whether they are so many that it is a loss; before that, it is only waited whether they become more. */
  readonly isLoss: boolean;
}

/** The guard of a world to which nothing has happened. */
export const calmGuard: LossGuard = { held: new Map(), hold: undefined };

/**
 * More Services than this must shrink; then removals are held back for a time. Deletions come one by one, so that from the first
 * on it is waited for the next, a little each time, and not for long in all.
 */
export const lossLimits = { services: 10, holdMs: 60_000, nextMs: 1_000, doubtMs: 5_000 } as const;

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

function isShown(world: World, event: WorldEvent): boolean {
  return (isRuleKind(event.kind) ? world.rules[event.kind] : world[event.kind]).has(event.key);
}

/** Whether an event can take an endpoint away. */
function takesAway(world: World, event: WorldEvent): boolean {
  if (isRuleKind(event.kind)) return false;
  if (event.value === undefined) return isShown(world, event);
  if (event.kind !== 'slice') return false;
  const addresses = new Set(event.value.endpoints.map(({ address }) => address));
  return world.slice.get(event.key)?.endpoints.some(({ address }) => !addresses.has(address)) === true;
}

/** Splits events into what is given on and what is held back. */
function split(
  before: ReadonlyMap<string, WorldEvent>,
  world: World,
  last: ReadonlyMap<string, WorldEvent>,
): { readonly held: ReadonlyMap<string, WorldEvent>; readonly events: readonly WorldEvent[] } {
  const held = new Map(before);
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
      if (isShown(world, event)) held.set(id, event);
    } else given.push(event);
  }
  return { held, events: given };
}

/** Returns the Services that the events make shrink. */
function shrunkBy(events: Iterable<WorldEvent>, world: World): readonly string[] {
  const { world: after, touched } = applyEvents(world, [...events]);
  const services = new Set([...touched.services, ...touched.endpoints]);
  return [...services].filter((service) => shrinks(service, world, after));
}

/** Returns how long to hold back, given the Services that have shrunk; undefined if there is no reason to. */
function nextHold(hold: Hold | undefined, services: number, nowMs: number): Hold | undefined {
  if (hold?.isLoss === true) return hold;
  if (services === 0) return undefined;
  const { sinceMs = nowMs, untilMs = nowMs } = hold ?? {};
  if (services > lossLimits.services) return { sinceMs, untilMs: nowMs + lossLimits.holdMs, services, isLoss: true };
  const isMore = services > (hold?.services ?? 0);
  const nextMs = Math.min(sinceMs + lossLimits.doubtMs, nowMs + lossLimits.nextMs);
  return { sinceMs, untilMs: isMore ? Math.max(untilMs, nextMs) : untilMs, services, isLoss: false };
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
  const all = { guard: calmGuard, events, loss: undefined };
  if (guard.hold === undefined && !events.some((event) => takesAway(world, event))) return all;
  // Only the last word on each object counts.
  const last = new Map(events.map((event) => [idOf(event), event]));
  const pending = new Map([...guard.held, ...last]);
  const shrunk = guard.hold?.isLoss === true ? [] : shrunkBy(pending.values(), world);
  const hold = nextHold(guard.hold, shrunk.length, nowMs);
  if (hold === undefined) return { ...all, events: [...pending.values()] };
  const { held, events: given } = split(guard.held, world, last);
  if (held.size === 0) return { ...all, events: given };
  const begins = hold.isLoss && guard.hold?.isLoss !== true;
  return { guard: { held, hold }, events: given, loss: begins ? shrunk : undefined };
}

/** Gives on what is held back if its time has come. */
export function releaseHeld(guard: LossGuard, nowMs: number): GuardedEvents {
  if (guard.hold === undefined || nowMs < guard.hold.untilMs) return { guard, events: [], loss: undefined };
  return { guard: calmGuard, events: [...guard.held.values()], loss: undefined };
}
