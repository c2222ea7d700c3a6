import { expect, test } from '@jest/globals';
import type { Connection } from '../../../scripts/bench/connection.ts';
import { createPool } from '../../../scripts/bench/overload/connection-pool.ts';

/** A pool whose connections open when the test says so. */
function pooled() {
  const opening: PromiseWithResolvers<Connection>[] = [];
  const pool = createPool(() => {
    const one = Promise.withResolvers<Connection>();
    opening.push(one);
    return one.promise;
  });
  return { pool, opening };
}

function connection(): Connection & { closed(): boolean } {
  let isClosed = false;
  return {
    ask: () => Promise.reject(new Error('unused')),
    exchange: () => Promise.reject(new Error('unused')),
    isOpen: () => !isClosed,
    close: () => (isClosed = true),
    closed: () => isClosed,
  };
}

const patience = 60_000;

test('an idle connection is used again', async () => {
  const { pool, opening } = pooled();
  const only = connection();
  const first = pool.borrow(patience);
  opening[0]?.resolve(only);
  expect(await first).toBe(only);
  pool.giveBack(only);
  expect(await pool.borrow(patience)).toBe(only);
  expect(opening).toHaveLength(1);
});

test('who waits gets what is free first, and what is opened later is kept', async () => {
  const { pool, opening } = pooled();
  const [early, late] = [connection(), connection()];
  const first = pool.borrow(patience);
  opening[0]?.resolve(early);
  await first;
  const second = pool.borrow(patience);
  pool.giveBack(early);
  expect(await second).toBe(early);
  opening[1]?.resolve(late);
  await opening[1]?.promise;
  expect(await pool.borrow(patience)).toBe(late);
});

test('an idle connection that has ended is not used again', async () => {
  const { pool, opening } = pooled();
  const [ended, fresh] = [connection(), connection()];
  const first = pool.borrow(patience);
  opening[0]?.resolve(ended);
  pool.giveBack(await first);
  ended.close();
  const second = pool.borrow(patience);
  opening[1]?.resolve(fresh);
  expect(await second).toBe(fresh);
});

test('a connection that cannot be opened fails the one it was for', async () => {
  const { pool, opening } = pooled();
  const first = pool.borrow(patience);
  opening[0]?.reject(new Error('refused'));
  await expect(first).rejects.toThrow('refused');
});

test('nobody waits for longer than told', async () => {
  await expect(pooled().pool.borrow(1)).rejects.toThrow('no connection');
});

test('after the end nothing is kept', async () => {
  const { pool, opening } = pooled();
  const [idle, late] = [connection(), connection()];
  const first = pool.borrow(patience);
  opening[0]?.resolve(idle);
  pool.giveBack(await first);
  pool.close();
  pool.giveBack(late);
  expect([idle.closed(), late.closed()]).toEqual([true, true]);
});
