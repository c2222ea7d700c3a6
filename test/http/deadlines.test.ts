import { Agent } from 'node:https';
import { afterEach, describe, expect, test } from '@jest/globals';
import { ask, postReview } from '../support/http/https-client.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { openConnection, statusesOf } from '../support/http/tls-client.ts';
import { until } from '../support/waiting.ts';
import { startWebhook, type Webhook, type WebhookOptions } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
afterEach(() => webhook.close());

async function start(options: WebhookOptions): Promise<void> {
  webhook = await startWebhook(options);
}

const review = JSON.stringify(reviewOf(podOf()));
const question = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${review.length}\r\n\r\n${review}`;

describe('a review is answered inside the time that the API server gives', () => {
  /** A clock that has advanced by so much at the second look, which is when the body is there. */
  function startWithDelay(delayMs: number): Promise<void> {
    let looks = 0;
    return start({ nowMs: () => (looks++ === 0 ? 0 : delayMs) });
  }

  test.each([
    ['10s', 8_900, 200],
    ['10s', 9_100, 503],
    ['1s', 950, 503],
    ['1s', 100, 200],
    ['500ms', 460, 503],
    ['1m', 60_000, 503],
    ['0s', 1, 503],
    ['2', 9_999_999, 200],
    ['', 9_999_999, 200],
    ['-1s', 9_999_999, 200],
    ['1h', 9_999_999, 200],
    ['99999999999s', 9_999_999, 200],
    ['1s&timeout=2s', 9_999_999, 200],
  ])('timeout=%s after %d ms: %d', async (timeout, delayMs, status) => {
    await startWithDelay(delayMs);
    const answer = await postReview(webhook, review, { path: `/inject?timeout=${timeout}` });
    expect(answer.status).toBe(status);
    expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined);
    expect(await webhook.sample('sidecar_injector_shed_total{reason="late"}')).toBe(status === 503 ? 1 : undefined);
  });

  test('without a timeout nothing is shed', async () => {
    await startWithDelay(9_999_999);
    expect((await postReview(webhook, review, { path: '/inject' })).status).toBe(200);
  });
});

describe('more bodies at once than fit', () => {
  const half = { limits: { bufferedBytes: Math.ceil(review.length * 1.5), reservedBytes: 0, stallMs: 60_000 } };
  const almost = review.slice(0, -1);
  const end = review.slice(-1);
  const begin = async (length: number | 'chunked') => {
    const connection = await openConnection(webhook);
    const framing = length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`;
    const start = length === 'chunked' ? `${almost.length.toString(16)}\r\n${almost}\r\n` : almost;
    connection.write(
      `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${framing}\r\n\r\n${start}`,
    );
    await until('its body is there but for the end', async () =>
      (await webhook.sample('sidecar_injector_admission_buffered_bytes')) === almost.length ? true : undefined,
    );
    return connection;
  };

  test('are answered 503 with Retry-After, which the API server heeds', async () => {
    await start(half);
    const waiting = await begin(review.length);
    const answer = await postReview(webhook, review);
    expect([answer.status, answer.headers['retry-after'], answer.text]).toEqual([503, '1', 'Overloaded, try again.\n']);
    expect(await webhook.sample('sidecar_injector_shed_total{reason="buffered"}')).toBe(1);
    waiting.write(end);
    expect(statusesOf(await waiting.receive(/auditAnnotations/))).toEqual([200]);
    expect((await postReview(webhook, review)).status).toBe(200);
    waiting.socket.destroy();
  });

  test('fit again when the client of one goes away', async () => {
    await start(half);
    for (const length of [review.length, 'chunked'] as const) {
      const waiting = await begin(length);
      waiting.socket.destroy();
      await waiting.closed;
      await until('there is room again', async () =>
        (await webhook.sample('sidecar_injector_admission_buffered_bytes')) === 0 ? true : undefined,
      );
      expect((await postReview(webhook, review)).status).toBe(200);
    }
  });

  test('fit again when a connection breaks behind a body that is complete', async () => {
    await start(half);
    const broken = await openConnection(webhook);
    const head = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${review.length}\r\n\r\n`;
    broken.write(`${head}${review}${head}${review}\u0001\r\n\r\n`);
    await broken.closed;
    for (const name of ['sidecar_injector_admission_buffered_bytes', 'sidecar_injector_admission_in_flight']) {
      await until(`${name} is 0`, async () => ((await webhook.sample(name)) === 0 ? true : undefined));
    }
  });

  test('fit again when a client leaves before an answer that waits behind others', async () => {
    const long = { name: 'long', ready: true, reason: 'x'.repeat(4 * 1024 * 1024) };
    await start({ ...half, checks: () => [long] });
    const leaving = await openConnection(webhook);
    leaving.socket.pause();
    const questions = 'GET /readyz?verbose HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(5);
    const head = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${review.length}\r\n\r\n`;
    leaving.write(`${questions}${head}${review}`);
    await until('the review is decided', () => (webhook.log().includes('"msg":"review"') ? true : undefined));
    expect(await webhook.sample('sidecar_injector_admission_in_flight')).toBe(1);
    leaving.socket.destroy();
    await until('there is room again', async () =>
      (await webhook.sample('sidecar_injector_admission_buffered_bytes')) === 0 ? true : undefined,
    );
  });

  test('do not keep a single one out, however small the bound', async () => {
    await start({ limits: { bufferedBytes: 1, reservedBytes: 0 } });
    expect((await postReview(webhook, review)).status).toBe(200);
  });

  test('do not cost the connection', async () => {
    await start(half);
    const waiting = await begin(review.length);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await postReview(webhook, review, { agent })).status).toBe(503);
    waiting.write(end);
    await waiting.receive(/auditAnnotations/);
    expect((await postReview(webhook, review, { agent })).status).toBe(200);
    expect(await webhook.connections()).toBe(2);
    agent.destroy();
    waiting.socket.destroy();
  });

  test('do not touch the questions of the kubelet', async () => {
    await start({ ...half, checks: () => [{ name: 'shop', ready: true, reason: 'open' }] });
    const waiting = await begin('chunked');
    expect((await ask(webhook, { path: '/livez' })).status).toBe(200);
    expect((await ask(webhook, { path: '/readyz' })).status).toBe(200);
    waiting.socket.destroy();
  });
});

test('above the bound of connections the oldest stranger is cut off and counted, and everybody else is served', async () => {
  await start({ limits: { connections: 5 } });
  const inside = await Promise.all(Array.from({ length: 5 }, () => openConnection(webhook)));
  const [first, ...others] = inside;
  // It has brought a review, so it is none of the strangers.
  first?.write(question);
  await first?.receive(/auditAnnotations/);
  const newcomer = await openConnection(webhook);
  expect(await webhook.sample('sidecar_injector_bad_requests_total{status="dropped"}')).toBe(1);
  await Promise.any(others.map(({ closed }) => closed));
  for (const connection of [first, newcomer]) {
    connection?.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(statusesOf((await connection?.receive(/ok\n/)) ?? '').at(-1)).toBe(200);
  }
  for (const { socket } of [...inside, newcomer]) socket.destroy();
  await until('they are gone', async () => ((await webhook.connections()) === 0 ? true : undefined));
  expect(responseOf(await postReview(webhook, review)).allowed).toBe(true);
});
