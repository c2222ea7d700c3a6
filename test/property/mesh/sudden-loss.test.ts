import { describe, expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { readEndpointSlice } from '../../../src/mesh/world/endpoint-slice.ts';
import { readPod } from '../../../src/mesh/world/pod.ts';
import { readService } from '../../../src/mesh/world/service.ts';
import {
  calmGuard,
  guardEvents,
  lossLimits,
  releaseHeld,
  type GuardedEvents,
  type LossGuard,
} from '../../../src/mesh/world/sudden-loss.ts';
import { applyEvents, emptyWorld, type World, type WorldEvent } from '../../../src/mesh/world/world.ts';

/*
 * A cluster of 14 Services with two pods each, to which anything happens in portions: additions always go through at once, what is held
 * back is given on after a minute, and then proxies have what the API server says.
 */

const size = 14;

interface Cell {
  /** Whether each object of the Service is there. */
  readonly service: boolean;
  readonly slice: boolean;
  readonly pods: readonly [PodState, PodState];
  readonly endpoints: readonly [boolean, boolean];
}

type PodState = 'running' | 'terminating' | 'gone';

const whole: Cell = { service: true, slice: true, pods: ['running', 'running'], endpoints: [true, true] };
const nothing: Cell = { service: false, slice: false, pods: ['gone', 'gone'], endpoints: [false, false] };

const podName = (index: number, number: number): string => `pod-${index}-${number}`;
const addressOf = (index: number, number: number): string => `10.0.${index}.${number}`;

/** The objects of a Service, by kind and name; undefined where there is none. */
function eventsOf(index: number, cell: Cell): readonly WorldEvent[] {
  const name = `service-${index}`;
  const metadata = (own: string, more: JsonObject = {}): JsonObject => ({ namespace: 'shop', name: own, ...more });
  const service = readService({
    metadata: metadata(name),
    spec: { clusterIP: `10.96.0.${index}`, ports: [{ port: 80 }] },
  });
  const slice = readEndpointSlice({
    metadata: metadata(`${name}-1`, { labels: { 'kubernetes.io/service-name': name } }),
    ports: [{ port: 8080 }],
    endpoints: [0, 1].flatMap((number) =>
      cell.endpoints[number] === true
        ? [{ addresses: [addressOf(index, number)], targetRef: { kind: 'Pod', name: podName(index, number) } }]
        : [],
    ),
  });
  return [
    { kind: 'service', key: `shop/${name}`, value: cell.service ? service : undefined },
    { kind: 'slice', key: `shop/${name}-1`, value: cell.slice ? slice : undefined },
    ...[0, 1].map((number): WorldEvent => {
      const state = cell.pods[number];
      const object = {
        metadata: metadata(podName(index, number), {
          uid: podName(index, number),
          ...(state === 'terminating' && { deletionTimestamp: 'now' }),
        }),
        spec: { containers: [] },
        status: { podIPs: [{ ip: addressOf(index, number) }] },
      };
      return {
        kind: 'pod',
        key: `shop/${podName(index, number)}`,
        value: state === 'gone' ? undefined : readPod(object),
      };
    }),
  ];
}

/** What is shown to proxies, and what the API server says. */
class Played {
  shown: World = emptyWorld;
  actual: World = emptyWorld;
  guard: LossGuard = calmGuard;
  nowMs = 0;
  readonly losses: (readonly string[])[] = [];

  constructor() {
    this.take(Array.from({ length: size }, (_, index) => eventsOf(index, whole)).flat());
  }

  #give({ guard, events, loss }: GuardedEvents): void {
    this.guard = guard;
    this.shown = applyEvents(this.shown, events).world;
    if (loss !== undefined) this.losses.push(loss);
  }

  take(events: readonly WorldEvent[]): void {
    this.actual = applyEvents(this.actual, events).world;
    this.#give(guardEvents(this.guard, this.shown, events, this.nowMs));
  }

  set(cells: ReadonlyMap<number, Cell>): void {
    this.take([...cells].flatMap(([index, cell]) => eventsOf(index, cell)));
  }

  wait(milliseconds: number): void {
    this.nowMs += milliseconds;
    this.#give(releaseHeld(this.guard, this.nowMs));
  }
}

/** What proxies are told to: addresses of the Services that exist, and who the pods are. */
function reachable(world: World): ReadonlySet<string> {
  const found = new Set<string>();
  for (const key of world.service.keys()) {
    for (const name of world.slicesOfService.get(key) ?? []) {
      for (const { address, pod = '' } of world.slice.get(name)?.endpoints ?? []) {
        found.add(`${key} ${address} ${world.pod.get(pod)?.uid ?? 'nobody'}`);
      }
    }
  }
  return found;
}

function contents({ service, slice, pod }: World): unknown {
  return [service, slice, pod].map((map) => Object.fromEntries([...map].toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

const cell: fc.Arbitrary<Cell> = fc.oneof(
  fc.constant(whole),
  fc.constant(nothing),
  fc.record({
    service: fc.boolean(),
    slice: fc.boolean(),
    pods: fc.tuple(podState(), podState()),
    endpoints: fc.tuple(fc.boolean(), fc.boolean()),
  }),
);

function podState(): fc.Arbitrary<PodState> {
  return fc.constantFrom('running', 'terminating', 'gone');
}

const portion = fc
  .array(fc.tuple(fc.nat({ max: size - 1 }), cell), { maxLength: 2 * size })
  .map((entries) => new Map(entries));
const loss = portion.map(
  (some) => new Map([...Array(size).keys()].map((index) => [index, some.get(index) ?? nothing])),
);
const step = fc.record({ cells: fc.oneof(portion, loss), waitMs: fc.nat({ max: 20_000 }) });

const numRuns = Number(process.env['FAST_CHECK_RUNS'] ?? 1000);

test(`whatever happens, additions go through at once, and after a minute nothing is held back (seed ${fc.seed})`, () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
      const played = new Played();
      for (const { cells, waitMs } of steps) {
        played.set(cells);
        const shown = reachable(played.shown);
        // A pod that is shown although it has gone is no less.
        const added = [...reachable(played.actual)].filter((one) => !one.endsWith(' nobody'));
        for (const one of added) expect(shown).toContain(one);
        if (played.guard.hold === undefined) expect(contents(played.shown)).toEqual(contents(played.actual));
        played.wait(waitMs);
      }
      played.wait(lossLimits.holdMs);
      expect(contents(played.shown)).toEqual(contents(played.actual));
    }),
    { numRuns },
  );
});

test(`what comes back within a minute was never lost (seed ${fc.seed})`, () => {
  fc.assert(
    fc.property(loss, fc.nat({ max: lossLimits.holdMs - 1 }), (cells, waitMs) => {
      const played = new Played();
      const before = reachable(played.shown);
      const gone = new Map([...cells].map(([index, { service, slice }]) => [index, { ...whole, service, slice }]));
      played.set(gone);
      const isHeld = played.guard.hold?.isLoss === true;
      expect(isHeld).toBe([...gone.values()].filter(({ service, slice }) => !service || !slice).length > 10);
      if (!isHeld) return;
      expect(reachable(played.shown)).toEqual(before);
      played.wait(waitMs);
      expect(reachable(played.shown)).toEqual(before);
      played.set(new Map([...gone.keys()].map((index) => [index, whole])));
      expect(reachable(played.shown)).toEqual(before);
      expect([played.guard.held.size, played.guard.hold]).toEqual([0, undefined]);
    }),
    { numRuns: Math.ceil(numRuns / 4) },
  );
});

describe('a loss', () => {
  const all = (value: Cell, count = size): ReadonlyMap<number, Cell> =>
    new Map([...Array(count).keys()].map((index) => [index, value]));

  test('of most endpoints of more than ten Services is told, and lasts a minute', () => {
    const played = new Played();
    played.set(all({ ...whole, slice: false }, 11));
    expect(played.losses.map(({ length }) => length)).toEqual([11]);
    expect(played.guard.held.size).toBe(11);
    played.wait(lossLimits.holdMs - 1);
    expect(reachable(played.shown).size).toBe(2 * size);
    played.wait(1);
    expect(reachable(played.shown).size).toBe(2 * (size - 11));
    expect(played.losses).toHaveLength(1);
  });

  test.each<[string, Cell]>([
    ['of Services', { ...whole, service: false }],
    ['of pods, whose identities would be gone', { ...whole, pods: ['gone', 'gone'] }],
    ['of everything', nothing],
  ])('%s counts as well', (_, value) => {
    const played = new Played();
    const before = reachable(played.shown);
    played.set(all(value));
    expect(reachable(played.shown)).toEqual(before);
  });

  test('that comes one by one is a loss, too: the first are still there', () => {
    const played = new Played();
    for (let index = 0; index < size; index += 1) {
      played.set(new Map([[index, nothing]]));
      played.wait(400);
    }
    expect(played.losses.map(({ length }) => length)).toEqual([11]);
    expect(reachable(played.shown).size).toBe(2 * size);
  });

  test.each([
    ['is', 1],
    ['one after the other is', 10],
  ])('of ten Services %s none: it is waited for more, and not for long', (_, portions) => {
    const played = new Played();
    const cells = [...all(nothing, 10)];
    for (let from = 0; from < 10; from += 10 / portions) {
      played.set(new Map(cells.slice(from, from + 10 / portions)));
      expect(reachable(played.shown).size).toBeGreaterThan(2 * (size - 10));
      played.wait(portions === 1 ? lossLimits.nextMs - 1 : 490);
    }
    expect(played.losses).toEqual([]);
    played.wait(lossLimits.nextMs);
    expect(contents(played.shown)).toEqual(contents(played.actual));
  });

  test('that never ends is shown after some seconds', () => {
    const played = new Played();
    for (let index = 0; index < 9; index += 1) {
      played.set(new Map([[index, nothing]]));
      played.wait(900);
    }
    expect(reachable(played.shown).size).toBeLessThan(2 * size);
    expect(played.losses).toEqual([]);
  });

  test('of half of the endpoints of each is none', () => {
    const played = new Played();
    played.set(all({ ...whole, endpoints: [true, false] }));
    expect([played.losses, contents(played.shown)]).toEqual([[], contents(played.actual)]);
  });

  test('of pods that were deleted in order is none: they were terminating before', () => {
    const played = new Played();
    played.set(all({ ...whole, pods: ['terminating', 'terminating'] }));
    played.set(all(nothing));
    expect([played.losses, contents(played.shown)]).toEqual([[], contents(emptyWorld)]);
  });

  test('of endpoints that others take the place of is none', () => {
    const played = new Played();
    const moved = [...Array(size).keys()].flatMap((index) =>
      eventsOf(index, whole).map((event) =>
        event.kind === 'slice' && event.value !== undefined
          ? {
              ...event,
              value: {
                ...event.value,
                endpoints: event.value.endpoints.map((one) => ({ ...one, address: `${one.address}9`, pod: undefined })),
              },
            }
          : event,
      ),
    );
    played.take(moved);
    expect([played.losses, contents(played.shown)]).toEqual([[], contents(played.actual)]);
  });

  test('keeps nothing that ends in order meanwhile', () => {
    const played = new Played();
    played.set(all({ ...whole, slice: false }, 11));
    expect(played.losses).toHaveLength(1);
    played.set(new Map([[13, { ...whole, pods: ['terminating', 'running'] }]]));
    played.set(new Map([[13, { ...whole, pods: ['gone', 'running'], endpoints: [false, true] }]]));
    expect([...reachable(played.shown)].filter((one) => one.startsWith('shop/service-13 '))).toEqual([
      'shop/service-13 10.0.13.1 pod-13-1',
    ]);
  });

  test('keeps no address that another pod has now', () => {
    const played = new Played();
    const taken = eventsOf(0, whole).flatMap((event) =>
      event.kind === 'pod' && event.value !== undefined
        ? [{ ...event, key: `${event.key}-new`, value: { ...event.value, key: `${event.key}-new`, uid: 'new' } }]
        : [],
    );
    played.take(taken);
    played.set(all(nothing));
    expect([...reachable(played.shown)].filter((one) => one.startsWith('shop/service-0 '))).toEqual([]);
    expect(reachable(played.shown).size).toBe(2 * (size - 1));
  });
});
