import { expect, test } from '@jest/globals';
import { createEventQueue, type EventQueueLimits } from '../../../src/runtime/event-queue.ts';
import type { OwnerNotice } from '../../../src/runtime/owner-events.ts';
import { createManualTimers } from '../../support/mesh/manual-timers.ts';

const limits: EventQueueLimits = {
  waiting: 3,
  burst: 2,
  everyMs: 100,
  failureMs: 1_000,
  repeatMs: 10_000,
  remembered: 4,
};

const notice = (name: string, identity = 'x'): OwnerNotice => ({
  owner: { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name, uid: undefined },
  identity,
  type: 'Normal',
  reason: 'Injected',
  action: 'Inject',
  note: '',
});

/** A queue whose calls end when the test says so, or at once. */
function open(more: Partial<EventQueueLimits> = {}) {
  const timers = createManualTimers();
  const sent: string[] = [];
  const results: string[] = [];
  let answer: 'created' | 'failed' = 'created';
  let hold: Promise<void> | undefined;
  const queue = createEventQueue({
    limits: { ...limits, ...more },
    async send({ owner }) {
      sent.push(owner.name);
      await hold;
      return answer;
    },
    onResult: (result) => results.push(result),
    nowMs: timers.nowMs,
    after: timers.after,
  });
  return {
    queue,
    sent,
    results,
    fail: () => void (answer = 'failed'),
    mend: () => void (answer = 'created'),
    hold: (until: Promise<void>) => void (hold = until),
    pass: async (milliseconds: number) => {
      for (let left = milliseconds; left >= 0; left -= 10) {
        timers.pass(left === 0 ? 0 : Math.min(10, left));
        for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
      }
    },
  };
}

test('nothing is sent while the caller runs, and then one after the other', async () => {
  const { queue, sent, pass } = open();
  queue.add(notice('a'));
  queue.add(notice('b'));
  expect(sent).toEqual([]);
  await pass(10);
  expect(sent).toEqual(['a', 'b']);
});

test('the same is said once, until it may be said again', async () => {
  const { queue, sent, pass } = open();
  queue.add(notice('a'));
  queue.add(notice('a'));
  await pass(10);
  queue.add(notice('a'));
  queue.add(notice('a', 'y'));
  await pass(9_980);
  expect(sent).toEqual(['a', 'a']);
  await pass(20);
  queue.add(notice('a'));
  await pass(200);
  expect(sent).toEqual(['a', 'a', 'a']);
});

test('after a few in a row, one at a time', async () => {
  const { queue, sent, pass } = open();
  for (const name of ['a', 'b', 'c']) queue.add(notice(name));
  await pass(50);
  expect(sent).toEqual(['a', 'b']);
  await pass(100);
  expect(sent).toEqual(['a', 'b', 'c']);
});

test('a full queue drops what comes, counts it, and takes it the next time', async () => {
  const { queue, sent, results, pass, hold } = open({ burst: 9 });
  const { promise, resolve } = Promise.withResolvers<void>();
  hold(promise);
  queue.add(notice('a'));
  await pass(10);
  for (const name of ['b', 'c', 'd', 'e']) queue.add(notice(name));
  expect([sent, results]).toEqual([['a'], ['dropped']]);
  resolve();
  await pass(50);
  queue.add(notice('e'));
  await pass(50);
  expect(sent).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(results).toEqual(['dropped', ...Array.from({ length: 5 }, () => 'created')]);
});

test('after a failure the API server has a rest', async () => {
  const { queue, sent, results, pass, fail, mend } = open({ burst: 9 });
  fail();
  queue.add(notice('a'));
  queue.add(notice('b'));
  await pass(10);
  mend();
  await pass(980);
  expect([sent, results]).toEqual([['a'], ['failed']]);
  await pass(30);
  expect(sent).toEqual(['a', 'b']);
});

test('what is remembered is bounded, and what has just been said is remembered longest', async () => {
  const { queue, sent, pass } = open({ burst: 99, waiting: 99, remembered: 2 });
  for (const name of ['a', 'b', 'a', 'c', 'a']) queue.add(notice(name));
  await pass(50);
  // The second one is forgotten with the first: only two are remembered.
  expect(sent).toEqual(['a', 'b', 'c', 'a']);
});

test('one that was stopped says nothing', async () => {
  const { queue, sent, pass } = open();
  queue.add(notice('a'));
  queue.stop();
  queue.add(notice('b'));
  await pass(100);
  expect(sent).toEqual([]);
});
