import { connect } from 'node:net';
import { setInterval as everySoOften } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { postReview } from '../support/http/https-client.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { openConnection, statusesOf } from '../support/http/tls-client.ts';
import { until } from '../support/waiting.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

let webhook: Webhook;
beforeAll(async () => {
  webhook = await startWebhook({
    checks: () => [{ name: 'long', ready: true, reason: 'x'.repeat(1024 * 1024) }],
    limits: {
      handshakeTimeoutMs: 300,
      headersTimeoutMs: 400,
      requestTimeoutMs: 800,
      timeoutCheckMs: 50,
      keepAliveTimeoutMs: 60_000,
      strangerTimeoutMs: 1_000,
    },
  });
});
afterAll(() => webhook.close());

/** A slow client costs the others nothing, and in the end itself alone. */
afterEach(async () => {
  expect(responseOf(await postReview(webhook, reviewOf(podOf()))).allowed).toBe(true);
  await until('all connections are closed', async () => ((await webhook.connections()) === 0 ? true : undefined));
  expect(await webhook.sample('sidecar_injector_admission_buffered_bytes')).toBe(0);
});

const review = JSON.stringify(reviewOf(podOf()));
const head = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${review.length}\r\n\r\n`;

async function writeSlowly(connection: Awaited<ReturnType<typeof openConnection>>, text: string): Promise<void> {
  let at = 0;
  // A byte keeps coming for longer than the server has patience with the whole.
  for await (const _ of everySoOften(20)) {
    if (connection.socket.destroyed || !connection.socket.writable || at >= text.length) return;
    connection.write(text.charAt(at++));
  }
}

test('headers byte by byte end with 408', async () => {
  const connection = await openConnection(webhook);
  const writing = writeSlowly(connection, `${head.slice(0, -2)}X-Slow: ${'x'.repeat(8_000)}\r\n\r\n`);
  await connection.closed;
  await writing;
  expect(statusesOf(connection.received())).toEqual([408]);
});

test('a body byte by byte ends with 408', async () => {
  const connection = await openConnection(webhook);
  connection.write(head);
  const writing = writeSlowly(connection, review);
  await connection.closed;
  await writing;
  expect(statusesOf(connection.received())).toEqual([408]);
});

test('a body that stops half way ends with 408', async () => {
  const connection = await openConnection(webhook);
  connection.write(head + review.slice(0, 100));
  await connection.closed;
  expect(statusesOf(connection.received())).toEqual([408]);
});

test('a connection that says nothing after the handshake is closed', async () => {
  const connection = await openConnection(webhook);
  await connection.closed;
  expect(statusesOf(connection.received())).toEqual([408]);
});

test('a connection that never begins a handshake is closed', async () => {
  const socket = connect(webhook.port, '127.0.0.1');
  socket.on('error', () => undefined).resume();
  await new Promise((resolve) => void socket.once('close', resolve));
  expect(webhook.log()).toContain('a TLS handshake takes too long');
  await until('it is counted', async () => (webhook.log().includes('a TLS handshake failed') ? true : undefined));
});

test('fifty silent ones at once do not keep a review out', async () => {
  const silent = await Promise.all(Array.from({ length: 50 }, () => openConnection(webhook)));
  expect(responseOf(await postReview(webhook, review)).patchType).toBe('JSONPatch');
  await Promise.all(silent.map(({ closed }) => closed));
});

test('a client that never hangs up after its refusal is cut off', async () => {
  const connection = await openConnection(webhook, { allowHalfOpen: true });
  connection.write('nonsense\r\n\r\n');
  expect(statusesOf(await connection.receive(/400 Bad Request/))).toEqual([400]);
  // It even keeps talking, so that its connection never counts as silent.
  const writing = writeSlowly(connection, 'x'.repeat(1_000));
  await until('it is cut off', async () => ((await webhook.connections()) === 0 ? true : undefined), 5_000);
  connection.socket.destroy();
  await writing;
});

test('a half-closed client still gets its answer', async () => {
  const connection = await openConnection(webhook, { allowHalfOpen: true });
  connection.write(head + review);
  connection.socket.end();
  expect(statusesOf(await connection.receive(/auditAnnotations/))).toEqual([200]);
  await connection.closed;
});

describe('a client that is gone before its answer', () => {
  test('by hanging up breaks nothing', async () => {
    const connection = await openConnection(webhook);
    connection.write(head + review);
    connection.socket.destroySoon();
    await connection.closed;
  });

  test('by a reset breaks nothing', async () => {
    const plain = connect(webhook.port, '127.0.0.1');
    const connection = await openConnection(webhook, { socket: plain });
    for (let sent = 0; sent < 20; sent++) connection.write(head + review);
    await connection.receive(/200 OK/);
    plain.resetAndDestroy();
    await connection.closed;
  });

  test('is cut off when it stays and never reads', async () => {
    const connection = await openConnection(webhook);
    connection.socket.pause();
    // More than all buffers on the way can hold.
    for (let sent = 0; sent < 24; sent++) connection.write('GET /readyz?verbose HTTP/1.1\r\nHost: x\r\n\r\n');
    await until('it is cut off', async () => ((await webhook.connections()) === 0 ? true : undefined));
    connection.socket.destroy();
  });
});

test('an idle connection is kept for longer than the API server keeps it', async () => {
  const { defaultLimits } = await import('../../src/server/limits.ts');
  expect(defaultLimits.keepAliveTimeoutMs).toBeGreaterThan(90_000);
  const connection = await openConnection(webhook);
  connection.write(head + review);
  const first = await connection.receive(/auditAnnotations/);
  expect(first).toMatch(/connection: keep-alive/i);
  expect(first).toMatch(/keep-alive: timeout=60/i);
  // Longer than every other patience of this server.
  const times = [];
  for await (const _ of everySoOften(100)) if (times.push(0) === 20) break;
  connection.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await connection.closed;
  expect(statusesOf(connection.received())).toEqual([200, 200]);
});

test('one that has brought no review is not', async () => {
  const connection = await openConnection(webhook);
  connection.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
  expect(await connection.receive(/ok\n$/)).toMatch(/keep-alive: timeout=1\r\n/i);
  await connection.closed;
});
