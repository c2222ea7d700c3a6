import { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { defaultLimits, type Limits } from '../../../src/server/limits.ts';
import { createBufferBudget, type BufferBudget } from '../../../src/server/buffer-budget.ts';

/** One client: its request, and what it does. */
interface Client {
  readonly request: IncomingMessage;
  readonly response: EventEmitter;
  readonly payload: PassThrough;
  /** Settles with the length of the body or the status of the refusal. */
  readonly body: Promise<number>;
  /** How often the server has ended the connection. */
  cuts(): number;
}

function clientOf(buffers: BufferBudget, declared?: number): Client {
  let cut = 0;
  const request = {
    headers: declared === undefined ? {} : { 'content-length': String(declared) },
    socket: { destroy: () => (cut += 1) },
  } as unknown as IncomingMessage;
  const response = new EventEmitter();
  const payload = new PassThrough();
  buffers.track(request, response);
  const { promise: body, resolve } = Promise.withResolvers<number>();
  buffers.readBody(request, payload, (refusal, received) => resolve(received?.length ?? -(refusal?.statusCode ?? 0)));
  return { request, response, payload, body, cuts: () => cut };
}

async function send({ payload }: Client, bytes: number): Promise<void> {
  payload.write(Buffer.alloc(bytes));
  await new Promise((resolve) => void setImmediate(resolve));
}

const small: Limits = { ...defaultLimits, bodyBytes: 1_000, bufferedBytes: 500, reservedBytes: 100, stallMs: 100 };

describe('bodies count as they arrive', () => {
  test('and not as they are promised', async () => {
    const buffers = createBufferBudget(small);
    const promising = Array.from({ length: 50 }, () => clientOf(buffers, 1_000));
    for (const client of promising) await send(client, 1);
    expect(buffers.bufferedBytes).toBe(50);
    const honest = clientOf(buffers, 600);
    await send(honest, 600);
    honest.payload.end();
    expect(await honest.body).toBe(600);
  });

  test('until the answer is out or the connection is gone', async () => {
    const buffers = createBufferBudget(small);
    const [done, gone] = [clientOf(buffers), clientOf(buffers)];
    await send(done, 10);
    await send(gone, 20);
    expect([buffers.inFlight, buffers.bufferedBytes]).toEqual([2, 30]);
    done.payload.end();
    await done.body;
    buffers.holdAnswer(done.request, 7);
    expect(buffers.bufferedBytes).toBe(27);
    done.response.emit('close');
    gone.response.emit('close');
    expect(await gone.body).toBe(-400);
    expect([buffers.inFlight, buffers.bufferedBytes, done.cuts()]).toEqual([0, 0, 0]);
    await send(gone, 5);
    expect(buffers.bufferedBytes).toBe(0);
  });

  test.each([
    ['declared', 1_001, 0],
    ['found', undefined, 1_001],
  ])('and more than the bound, %s, is refused', async (_how, declared, bytes) => {
    const client = clientOf(createBufferBudget(small), declared);
    if (bytes > 0) await send(client, bytes);
    expect(await client.body).toBe(-413);
  });
});

describe('when they do not all fit', () => {
  test('the one that came too much is refused while all the others move', async () => {
    const buffers = createBufferBudget(small);
    const [first, second] = [clientOf(buffers), clientOf(buffers)];
    await send(first, 400);
    await send(second, 400);
    expect(await second.body).toBe(-503);
    first.payload.end();
    expect(await first.body).toBe(400);
  });

  test('one that stands still gives way', async () => {
    const buffers = createBufferBudget(small);
    const still = clientOf(buffers);
    await send(still, 400);
    await new Promise((resolve) => void setTimeout(resolve, 300));
    const moving = clientOf(buffers);
    await send(moving, 400);
    expect(await still.body).toBe(-503);
    moving.payload.end();
    expect(await moving.body).toBe(400);
  });

  test('an answer that nobody takes gives way with its connection', async () => {
    const buffers = createBufferBudget(small);
    const deaf = clientOf(buffers);
    deaf.payload.end();
    await deaf.body;
    buffers.holdAnswer(deaf.request, 550);
    await new Promise((resolve) => void setTimeout(resolve, 300));
    const moving = clientOf(buffers);
    await send(moving, 400);
    moving.payload.end();
    expect(await moving.body).toBe(400);
    expect([deaf.cuts(), buffers.bufferedBytes]).toEqual([1, 400]);
  });

  test('what every client has for itself is never refused', async () => {
    const buffers = createBufferBudget(small);
    const large = clientOf(buffers);
    await send(large, 900);
    const usual = Array.from({ length: 20 }, () => clientOf(buffers));
    for (const client of usual) {
      await send(client, 100);
      client.payload.end();
      expect(await client.body).toBe(100);
    }
  });
});

describe('large bodies', () => {
  const oneByOne: Limits = { ...small, bufferedBytes: 10_000, largeBytes: 200, largeBodies: 1 };

  test('are received one after the other', async () => {
    const buffers = createBufferBudget(oneByOne);
    const [first, second, usual] = [clientOf(buffers), clientOf(buffers), clientOf(buffers)];
    await send(first, 300);
    await send(second, 300);
    await send(second, 300);
    await send(usual, 200);
    expect([first, second, usual].map(({ payload }) => payload.isPaused())).toEqual([false, true, false]);
    expect(buffers.bufferedBytes).toBe(800);
    first.payload.end();
    expect(await first.body).toBe(300);
    second.payload.end();
    expect(await second.body).toBe(600);
  });

  test.each([
    ['is given up', ({ response }: Client) => response.emit('close')],
    ['breaks off', ({ payload }: Client) => payload.destroy()],
  ])('make place when one of them %s', async (_what, end) => {
    const buffers = createBufferBudget(oneByOne);
    const [first, second] = [clientOf(buffers), clientOf(buffers)];
    await send(first, 300);
    await send(second, 300);
    end(first);
    expect(await first.body).toBe(-400);
    expect(second.payload.isPaused()).toBe(false);
  });

  test('have as much time as others from their turn on', async () => {
    const buffers = createBufferBudget({ ...oneByOne, bodyTimeoutMs: 100, bodyTimeoutPerMebibyteMs: 0 });
    const clients = Array.from({ length: 6 }, () => clientOf(buffers, 900));
    for (const client of clients) await send(client, 300);
    const ended: number[] = [];
    for (const [index, { body }] of clients.entries()) void body.then(() => ended.push(index));
    expect(await clients[0]?.body).toBe(-408);
    await new Promise((resolve) => void setImmediate(resolve));
    expect(ended).not.toContain(5);
    expect(await clients[5]?.body).toBe(-408);
  });
});

test('a body that takes longer than its size allows is refused, with nothing of it kept', async () => {
  const buffers = createBufferBudget({ ...small, bodyTimeoutMs: 100, bodyTimeoutPerMebibyteMs: 0 });
  const slow = clientOf(buffers, 900);
  await send(slow, 300);
  expect(await slow.body).toBe(-408);
  expect(buffers.bufferedBytes).toBe(0);
  expect(slow.payload.isPaused()).toBe(true);
});

test('a larger body has longer', async () => {
  const reception = createBufferBudget({ ...small, bodyTimeoutMs: 100, bodyTimeoutPerMebibyteMs: 60_000 });
  const slow = clientOf(reception, 900);
  await send(slow, 300);
  // Longer than a body has that has no further time.
  await new Promise((resolve) => void setTimeout(resolve, 400));
  await send(slow, 600);
  slow.payload.end();
  expect(await slow.body).toBe(900);
});
