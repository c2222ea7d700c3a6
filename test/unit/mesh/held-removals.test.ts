import { expect, test } from '@jest/globals';
import { createHeldRemovals } from '../../../src/mesh/serve/held-removals.ts';
import { readEndpointSlice } from '../../../src/mesh/world/endpoint-slice.ts';
import { readService } from '../../../src/mesh/world/service.ts';
import { applyEvents, emptyWorld, type WorldEvent } from '../../../src/mesh/world/world.ts';

// When what is held back is given on; what is held back: test/property/mesh/sudden-loss.test.ts.

const keys = Array.from({ length: 12 }, (_, index) => `shop/service-${index}`);

function eventsOf(isThere: boolean): readonly WorldEvent[] {
  return keys.flatMap((key): readonly WorldEvent[] => {
    const name = key.slice(5);
    const service = readService({ metadata: { namespace: 'shop', name }, spec: { clusterIP: '10.0.0.1' } });
    const labels = { 'kubernetes.io/service-name': name };
    const slice = readEndpointSlice({
      metadata: { namespace: 'shop', name, labels },
      endpoints: [{ addresses: ['10.1.0.1'] }],
    });
    return [
      { kind: 'service', key, value: service },
      { kind: 'slice', key, value: isThere ? slice : undefined },
    ];
  });
}

function open() {
  let world = emptyWorld;
  let nowMs = 0;
  const timers = new Map<() => void, number>();
  const told: string[] = [];
  const removals = createHeldRemovals({
    world: () => world,
    give: (events) => ({ world } = applyEvents(world, events)),
    nowMs: () => nowMs,
    after(milliseconds, action) {
      timers.set(action, milliseconds);
      return () => timers.delete(action);
    },
    lost: (services) => told.push(`lost ${services.length}`),
    settled: (count) => told.push(`settled ${count}`),
  });
  removals.take(eventsOf(true));
  return {
    removals,
    told,
    timers,
    shown: () => world.slice.size,
    /** Lets the only timer fire at a time. */
    fire: (atMs: number): void => {
      nowMs = atMs;
      const [action] = timers.keys();
      if (action === undefined) throw new Error('no timer');
      timers.delete(action);
      action();
    },
    at: (atMs: number) => (nowMs = atMs),
  };
}

test('after a minute, also if the timer is early', () => {
  const { removals, told, timers, shown, fire } = open();
  removals.take(eventsOf(false));
  expect([removals.count(), shown(), told, [...timers.values()]]).toEqual([12, 12, ['lost 12'], [60_000]]);
  fire(59_999.5);
  expect([shown(), [...timers.values()]]).toEqual([12, [1]]);
  fire(60_000.5);
  expect([removals.count(), shown(), told, timers.size]).toEqual([0, 0, ['lost 12', 'settled 12'], 0]);
});

test('of a few, after a second, without a word', () => {
  const { removals, told, timers, shown, fire } = open();
  removals.take(eventsOf(false).slice(0, 6));
  expect([removals.count(), shown(), [...timers.values()]]).toEqual([3, 12, [1_000]]);
  fire(1_000);
  expect([removals.count(), shown(), told, timers.size]).toEqual([0, 9, [], 0]);
});

test('never, if everything comes back; the next loss has a minute of its own', () => {
  const { removals, told, timers, shown, at } = open();
  removals.take(eventsOf(false));
  at(40_000);
  removals.take(eventsOf(true));
  expect([removals.count(), shown(), told, timers.size]).toEqual([0, 12, ['lost 12', 'settled 0'], 0]);
  at(50_000);
  removals.take(eventsOf(false));
  expect([shown(), told.at(-1), [...timers.values()]]).toEqual([12, 'lost 12', [60_000]]);
  removals.stop();
  expect(timers.size).toBe(0);
});
