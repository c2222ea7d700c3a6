import { describe, expect, test } from '@jest/globals';
import {
  ageOf,
  createPlaces,
  createPodTurns,
  createTurns,
  defaultStreamLimits,
} from '../../../src/mesh/serve/admission.ts';
import { createFreshness } from '../../../src/mesh/serve/freshness.ts';
import { createManualTimers } from '../../support/mesh/manual-timers.ts';

describe('turns', () => {
  const limits = { perSecond: 10, burst: 3, patienceMs: 250 };

  test('are given at once up to the burst, then at an even pace, and none to those who would wait too long', () => {
    const turns = createTurns(limits);
    const waits = Array.from({ length: 7 }, () => turns.take(1_000));
    expect(waits).toEqual([0, 0, 0, 100, 200, undefined, undefined]);
    // Who was sent away took no turn from others.
    expect(turns.take(1_100)).toBe(200);
  });

  test('are saved up to the burst', () => {
    const turns = createTurns(limits);
    turns.take(0);
    expect(Array.from({ length: 4 }, () => turns.take(60_000))).toEqual([0, 0, 0, 100]);
  });
});

describe('places', () => {
  test('are given to those who wait in the order of coming', async () => {
    const places = createPlaces(1, 60_000, createManualTimers().after);
    const order: string[] = [];
    const first = await places.take('shop');
    const others = ['b', 'c'].map(async (name) => {
      const leave = await places.take('shop');
      order.push(name);
      leave?.();
    });
    expect(order).toEqual([]);
    first?.();
    first?.();
    await Promise.all(others);
    expect(order).toEqual(['b', 'c']);
    const timers = createManualTimers();
    const none = createPlaces(0, 1, timers.after).take('shop');
    timers.pass(1);
    expect([typeof (await places.take('shop')), await none]).toEqual(['function', undefined]);
  });

  test('are not given to those who went away', async () => {
    const timers = createManualTimers();
    const places = createPlaces(1, 20, timers.after);
    const first = await places.take('shop');
    const late = places.take('shop');
    timers.pass(20);
    expect(await late).toBeUndefined();
    first?.();
    expect(await places.take('shop')).toBeInstanceOf(Function);
  });
});

test('the last quarter of the places is for namespaces that have none', async () => {
  const timers = createManualTimers();
  const places = createPlaces(8, 20, timers.after);
  const all = Promise.all(Array.from({ length: 8 }, () => places.take('evil')));
  timers.pass(20);
  const evil = await all;
  expect(evil.filter((leave) => leave !== undefined)).toHaveLength(6);
  expect(await places.take('shop')).toBeInstanceOf(Function);
  // What is given back goes to whoever may have it, not to the first that waits.
  const [more, other] = [places.take('evil'), places.take('bank')];
  timers.pass(20);
  expect([typeof (await other), typeof (await more)]).toEqual(['function', 'undefined']);
});

test('a pod that opens streams without end uses up its own turns', () => {
  const hasTurn = createPodTurns({ perSecondOfPod: 1, burstOfPod: 3 });
  const turns = (pod: string, nowMs: number) => Array.from({ length: 4 }, () => hasTurn(pod, nowMs));
  expect([turns('evil', 0), turns('web', 0), turns('evil', 1_000)]).toEqual([
    [true, true, true, false],
    [true, true, true, false],
    [true, false, false, false],
  ]);
});

test('streams end between four and six fifths of their age', () => {
  expect([ageOf(defaultStreamLimits, 0), ageOf(defaultStreamLimits, 0.5)]).toEqual([24 * 60_000, 30 * 60_000]);
  expect(ageOf(defaultStreamLimits, 0.999_999)).toBeLessThanOrEqual(36 * 60_000);
});

describe('freshness', () => {
  function at() {
    let nowMs = 0;
    const freshness = createFreshness(['service', 'pod'], () => nowMs);
    return { freshness, wait: (ms: number) => (nowMs += ms) };
  }

  test('a broken watch is stale after a minute without a sign of life, until the next one', () => {
    const { freshness, wait } = at();
    wait(1_000);
    freshness.heard('pod');
    freshness.broken('pod');
    wait(59_999);
    expect(freshness.stale()).toEqual(new Map());
    wait(1);
    expect(freshness.stale()).toEqual(new Map([['pod', 60_000]]));
    expect(freshness.ages()).toEqual(
      new Map([
        ['service', 61_000],
        ['pod', 60_000],
      ]),
    );
    freshness.heard('pod');
    expect(freshness.stale()).toEqual(new Map());
  });

  test('a watch without changes is not stale between its bookmarks, but when two are missing', () => {
    const { freshness, wait } = at();
    wait(149_999);
    expect(freshness.stale()).toEqual(new Map());
    wait(1);
    expect([...freshness.stale().keys()]).toEqual(['service', 'pod']);
  });

  test('a clock that goes back makes nothing negative', () => {
    const { freshness, wait } = at();
    wait(-5_000);
    expect([...freshness.ages().values()]).toEqual([0, 0]);
  });
});
