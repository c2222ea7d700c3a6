import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { createTurns } from '../../../src/server/turns.ts';

/** So many large bodies in line for two places, and which of them are received at the moment. */
function line(count: number) {
  const turns = createTurns(2);
  const clients = Array.from({ length: count }, () => ({
    request: {} as IncomingMessage,
    payload: new PassThrough().resume(),
  }));
  for (const { request, payload } of clients) turns.enter(request, payload);
  return {
    turns,
    leave: (index: number) => turns.leave(clients[index]?.request as IncomingMessage),
    waiting: () => clients.flatMap(({ request }, index) => (turns.isWaiting(request) ? [index] : [])),
    paused: () => clients.flatMap(({ payload }, index) => (payload.isPaused() ? [index] : [])),
  };
}

test('two are received, the others are paused', () => {
  const { waiting, paused } = line(4);
  expect([waiting(), paused()]).toEqual([
    [2, 3],
    [2, 3],
  ]);
});

test('the first in line takes the place of one that leaves', () => {
  const { leave, waiting, paused } = line(5);
  leave(1);
  expect([waiting(), paused()]).toEqual([
    [3, 4],
    [3, 4],
  ]);
});

test('one that leaves the line itself makes no place', () => {
  const { leave, waiting } = line(5);
  leave(3);
  expect(waiting()).toEqual([2, 4]);
});

test('every round lets one in beside those that stay, and they make place for nobody when they leave', () => {
  const { turns, leave, waiting } = line(6);
  turns.round();
  expect(waiting()).toEqual([3, 4, 5]);
  leave(0);
  expect(waiting()).toEqual([3, 4, 5]);
  leave(1);
  expect(waiting()).toEqual([4, 5]);
});

test('nobody waits for longer than ten rounds', () => {
  const { turns, waiting } = line(50);
  for (let round = 0; round < 10; round++) turns.round();
  expect(waiting()).toHaveLength(38);
  turns.round();
  expect(waiting()).toEqual([]);
});
