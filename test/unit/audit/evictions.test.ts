import { describe, expect, test } from '@jest/globals';
import { createEvictions, type EvictionPolicy } from '../../../src/audit/evictions.ts';
import type { PodRecord } from '../../../src/audit/pod-record.ts';
import { podRecord, rosterOf } from '../../support/builders/pod-records.ts';

const policy: EvictionPolicy = {
  findings: ['missed'],
  everyMs: 10,
  replacementMs: 100,
  budgetMs: 50,
  ownerMs: 1_000,
  mostFailures: 2,
  openMs: 500,
  mostMs: 1_500,
};

function play(more: Partial<EvictionPolicy> = {}) {
  const evictions = createEvictions({ ...policy, ...more }, 0);
  return {
    ...evictions,
    choose: (nowMs: number, ...records: readonly PodRecord[]) => {
      const roster = rosterOf(...records);
      return evictions.choose(roster.groups(), (owner) => roster.podsOf(owner), nowMs)?.uid;
    },
  };
}

const good = { finding: undefined };

describe('what is evicted', () => {
  test.each<[string, PodRecord, string | undefined]>([
    ['a missed pod', podRecord('a'), 'a'],
    ['not a pod that is as it should be', podRecord('a', 'web', good), undefined],
    ['not one of a finding that was not asked for', podRecord('a', 'web', { finding: 'uncaptured' }), undefined],
    ['not one whose successor would be denied', podRecord('a', 'web', { finding: 'denied' }), undefined],
    ['not one that nobody makes anew', podRecord('a', 'web', { isReplaced: false }), undefined],
  ])('%s', (_what, record, uid) => {
    expect(play().choose(10, record)).toBe(uid);
  });

  test('nothing before the time between two evictions has passed, since another leader may have evicted', () => {
    const { choose } = play();
    expect([choose(9, podRecord('a')), choose(10, podRecord('a'))]).toEqual([undefined, 'a']);
  });
});

describe('an eviction', () => {
  test('is the only one until a good pod runs in its place', () => {
    const { choose, observe } = play();
    choose(10, podRecord('a'), podRecord('b', 'shop'));
    expect(choose(99, podRecord('b', 'shop'))).toBeUndefined();
    // Pods that were there before, and pods of others, prove nothing.
    expect(observe(podRecord('a', 'web', good), 99)).toBeUndefined();
    expect(observe(podRecord('n', 'shop', good), 99)).toBeUndefined();
    // A pod that only waits for a node may still fail.
    expect(observe(podRecord('n', 'web', { ...good, isRunning: false }), 99)).toBeUndefined();
    expect(observe(podRecord('n', 'web', good), 99)).toMatchObject({ verdict: 'replaced', openUntilMs: undefined });
    expect(choose(99, podRecord('b', 'shop'))).toBe('b');
  });

  test('that a budget refuses lets others go first', () => {
    const { choose, refused } = play();
    const pods = [podRecord('a'), podRecord('b', 'shop')];
    expect(choose(10, ...pods)).toBe('a');
    refused(10);
    expect(choose(20, ...pods)).toBe('b');
    refused(20);
    expect([choose(59, ...pods), choose(60, ...pods)]).toEqual([undefined, 'a']);
  });

  test('without a new pod in time has failed', () => {
    const { choose, expire } = play();
    choose(10, podRecord('a'));
    expect([expire(109), expire(110)]).toEqual([
      undefined,
      expect.objectContaining({ verdict: 'not-replaced', ownerUntilMs: 1_110 }),
    ]);
  });
});

describe('when new pods are no better', () => {
  test('their owner is left alone, twice as long each time', () => {
    const { choose, observe } = play({ mostFailures: 9 });
    choose(10, podRecord('a'));
    expect(observe(podRecord('b'), 20)).toMatchObject({ verdict: 'missed-again', ownerUntilMs: 1_020 });
    expect([choose(1_019, podRecord('b')), choose(1_020, podRecord('b'))]).toEqual([undefined, 'b']);
    // Not longer than the limit.
    expect(observe(podRecord('c'), 1_030)).toMatchObject({ ownerUntilMs: 2_530 });
  });

  test('nothing is evicted at all after a few, then one is tried, whose failure doubles the time', () => {
    const { choose, observe, openUntilMs } = play();
    choose(10, podRecord('a', 'one'));
    expect(observe(podRecord('x', 'one'), 10)?.openUntilMs).toBeUndefined();
    choose(20, podRecord('b', 'two'));
    expect(observe(podRecord('y', 'two'), 20)?.openUntilMs).toBe(520);
    expect([openUntilMs(519), openUntilMs(520)]).toEqual([520, undefined]);
    expect([choose(519, podRecord('c', 'three')), choose(520, podRecord('c', 'three'))]).toEqual([undefined, 'c']);
    expect(observe(podRecord('z', 'three'), 530)?.openUntilMs).toBe(1_530);
  });

  test('a success closes it, and failures count anew', () => {
    const { choose, observe } = play();
    choose(10, podRecord('a', 'one'));
    observe(podRecord('x', 'one'), 10);
    choose(20, podRecord('b', 'two'));
    observe(podRecord('y', 'two', good), 20);
    choose(30, podRecord('c', 'three'));
    expect(observe(podRecord('z', 'three'), 30)?.openUntilMs).toBeUndefined();
  });
});
