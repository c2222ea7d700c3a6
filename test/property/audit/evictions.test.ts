import { expect, test } from '@jest/globals';
import * as fc from '../../support/fast-check.ts';
import { createEvictions, type EvictionPolicy } from '../../../src/audit/evictions.ts';
import { findingNames } from '../../../src/audit/finding.ts';
import type { PodRecord } from '../../../src/audit/pod-record.ts';
import { podRecord, rosterOf } from '../../support/builders/pod-records.ts';

/*
 * A cluster that changes by chance, with a webhook that injects or does not: whatever happens, one pod at most is missing, evictions
 * are never closer than allowed, and a webhook that never injects costs a few pods.
 */

const policy: EvictionPolicy = {
  findings: ['missed'],
  everyMs: 10,
  replacementMs: 60,
  budgetMs: 30,
  ownerMs: 200,
  mostFailures: 2,
  openMs: 100,
  mostMs: 400,
};

type Step =
  | { readonly type: 'look' | 'budget'; readonly ms: number }
  /** The controller of what was evicted makes a new pod. */
  | { readonly type: 'replace'; readonly isGood: boolean; readonly ms: number };

const owners = ['one', 'two', 'three', 'four'];
const ms = fc.integer({ min: 0, max: 40 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('look' as const), ms }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('budget' as const), ms }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('replace' as const), isGood: fc.boolean(), ms }) },
);

const first: fc.Arbitrary<readonly PodRecord[]> = fc
  .array(
    fc.record({
      owner: fc.constantFrom(...owners),
      finding: fc.option(fc.constantFrom(...findingNames), { nil: undefined }),
      isReplaced: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((pods) => pods.map(({ owner, ...more }, index) => podRecord(`first-${index}`, owner, more)));

interface Act {
  readonly atMs: number;
  readonly pod: PodRecord;
}

/** Plays the steps, and returns every eviction and every end. */
function play(pods: readonly PodRecord[], steps: readonly Step[]) {
  const evictions = createEvictions(policy, 0);
  const present = new Map(pods.map((one) => [one.uid, one]));
  const evicted: Act[] = [];
  const failedMs: number[] = [];
  const goodMs: number[] = [];
  let nowMs = 0;
  let missing: PodRecord | undefined;
  let made = 0;

  function note(ended: ReturnType<typeof evictions.expire>): void {
    if (ended === undefined) return;
    (ended.verdict === 'replaced' ? goodMs : failedMs).push(nowMs);
    // Whatever has not come in time is not waited for.
    missing = undefined;
  }

  for (const one of steps) {
    nowMs += one.ms;
    note(evictions.expire(nowMs));
    if (one.type === 'replace') {
      if (missing === undefined) continue;
      const next = podRecord(`made-${made++}`, missing.owner.name, { finding: one.isGood ? undefined : 'missed' });
      present.set(next.uid, next);
      note(evictions.observe(next, nowMs));
      continue;
    }
    const roster = rosterOf(...present.values());
    const pod = evictions.choose(roster.groups(), (owner) => roster.podsOf(owner), nowMs);
    if (pod === undefined) continue;
    // Never a second one before the first has an end.
    expect(missing).toBeUndefined();
    if (one.type === 'budget') {
      evictions.refused(nowMs);
      continue;
    }
    missing = pod;
    present.delete(pod.uid);
    evicted.push({ atMs: nowMs, pod });
  }
  return { evicted, failedMs, goodMs, endMs: nowMs };
}

test('one at a time, never closer than allowed, and only what was asked for', () => {
  fc.assert(
    fc.property(first, fc.array(step, { maxLength: 80 }), (pods, steps) => {
      const { evicted } = play(pods, steps);
      for (const { pod } of evicted) expect(pod).toMatchObject({ finding: 'missed', isReplaced: true });
      for (const [index, { atMs }] of evicted.entries())
        expect(atMs - (evicted[index - 1]?.atMs ?? 0)).toBeGreaterThanOrEqual(policy.everyMs);
    }),
  );
});

test('after failures in a row nothing is evicted for a while', () => {
  fc.assert(
    fc.property(first, fc.array(step, { maxLength: 120 }), (pods, steps) => {
      const { evicted, failedMs, goodMs } = play(pods, steps);
      for (const [index, atMs] of failedMs.entries()) {
        const before = failedMs[index - 1];
        // Two in a row: no success between them.
        if (before === undefined || goodMs.some((one) => one >= before && one <= atMs)) continue;
        expect(evicted.filter((one) => one.atMs > atMs && one.atMs < atMs + policy.openMs)).toEqual([]);
      }
    }),
  );
});

test('an owner whose new pod was no better is left alone for a while', () => {
  fc.assert(
    fc.property(fc.array(ms, { minLength: 50, maxLength: 200 }), (pauses) => {
      const steps = pauses.flatMap((pause): Step[] => [
        { type: 'look', ms: pause },
        { type: 'replace', isGood: false, ms: 0 },
      ]);
      const { evicted, endMs } = play([podRecord('a', 'one'), podRecord('b', 'one')], steps);
      // The times double up to a limit: this many fit at most.
      expect(evicted.length).toBeLessThanOrEqual(2 + Math.floor(endMs / policy.ownerMs));
      for (const [index, { atMs }] of evicted.entries())
        if (index > 0) expect(atMs - (evicted[index - 1]?.atMs ?? 0)).toBeGreaterThanOrEqual(policy.ownerMs);
    }),
  );
});

test('in the end every missed pod is replaced where the webhook injects', () => {
  fc.assert(
    fc.property(first, fc.array(ms, { minLength: 4, maxLength: 4 }), (pods, pauses) => {
      const steps = Array.from({ length: 15 }, () =>
        pauses.flatMap((pause): Step[] => [
          { type: 'look', ms: pause + policy.everyMs },
          { type: 'replace', isGood: true, ms: 0 },
        ]),
      ).flat();
      const { evicted } = play(pods, steps);
      const wanted = pods.filter(({ finding, isReplaced }) => finding === 'missed' && isReplaced);
      expect(evicted.map(({ pod }) => pod.uid).toSorted()).toEqual(wanted.map(({ uid }) => uid).toSorted());
    }),
  );
});
