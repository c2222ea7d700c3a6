import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { postReview } from '../support/http/https-client.ts';
import { podOf, reviewOf } from '../support/builders/reviews.ts';
import { openConnection, statusesOf, type RawConnection } from '../support/http/tls-client.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';
import type { Limits } from '../../src/server/limits.ts';

/** No bound but the one that a test is about: what one holds, another might hold by chance. */
const patient: Partial<Limits> = {
  handshakeTimeoutMs: 600_000,
  headersTimeoutMs: 290_000,
  requestTimeoutMs: 300_000,
  bodyTimeoutMs: 600_000,
  keepAliveTimeoutMs: 600_000,
  strangerTimeoutMs: 600_000,
  timeoutCheckMs: 50,
};

const review = JSON.stringify(reviewOf(podOf()));
const head = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${review.length}\r\n\r\n`;

let webhook: Webhook;
const held: RawConnection[] = [];
afterEach(async () => {
  for (const { socket } of held.splice(0)) socket.destroy();
  await webhook.close();
});

async function start(limits: Partial<Limits>): Promise<void> {
  webhook = await startWebhook({
    limits: { ...patient, ...limits },
    checks: () => [{ name: 'long', ready: true, reason: 'x'.repeat(1024 * 1024) }],
  });
}

async function open(): Promise<RawConnection> {
  const connection = await openConnection(webhook);
  held.push(connection);
  return connection;
}

/** Far less than the bounds that are not looked at. */
const soon = 15_000;

async function endsSoon(connection: Pick<RawConnection, 'closed'>): Promise<boolean> {
  const over = new AbortController();
  const late = wait(soon, false, { signal: over.signal }).catch(() => false);
  const ended = await Promise.race([connection.closed.then(() => true), late]);
  over.abort();
  return ended;
}

describe('each bound of time holds by itself', () => {
  test('of a handshake', async () => {
    await start({ handshakeTimeoutMs: 200 });
    const socket = connect(webhook.port, '127.0.0.1').on('error', () => undefined);
    socket.resume();
    const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
    expect(await endsSoon({ closed })).toBe(true);
    socket.destroy();
  });

  test('of the headers', async () => {
    await start({ headersTimeoutMs: 200 });
    const connection = await open();
    connection.write(head.slice(0, -2));
    expect(await endsSoon(connection)).toBe(true);
    expect(statusesOf(connection.received())).toEqual([408]);
  });

  test('of a whole request', async () => {
    await start({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
    const connection = await open();
    connection.write(head + review.slice(0, 100));
    expect(await endsSoon(connection)).toBe(true);
    expect(statusesOf(connection.received())).toEqual([408]);
  });

  test('of a body', async () => {
    await start({ bodyTimeoutMs: 200, bodyTimeoutPerMebibyteMs: 0 });
    const connection = await open();
    connection.write(head + review.slice(0, 100));
    expect(await endsSoon(connection)).toBe(true);
    expect(statusesOf(connection.received())).toEqual([408]);
  });

  test('of an idle connection that brought a review', async () => {
    await start({ keepAliveTimeoutMs: 200 });
    const connection = await open();
    connection.write(head + review);
    expect(statusesOf(await connection.receive(/auditAnnotations/))).toEqual([200]);
    expect(await endsSoon(connection)).toBe(true);
  });

  test('of an idle connection that brought none', async () => {
    await start({ strangerTimeoutMs: 200 });
    const connection = await open();
    connection.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await endsSoon(connection)).toBe(true);
  });

  test('of an answer that a caller does not take', async () => {
    await start({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
    const connection = await open();
    // A caller whose connection is kept for long.
    connection.write(head + review);
    await connection.receive(/auditAnnotations/);
    connection.socket.pause();
    // More than all buffers on the way can hold.
    for (let sent = 0; sent < 24; sent++) connection.write('GET /readyz?verbose HTTP/1.1\r\nHost: x\r\n\r\n');
    const closed = (async () => {
      while ((await webhook.connections()) > 0) await wait(50);
    })();
    expect(await endsSoon({ closed })).toBe(true);
  });
});

test('the number of connections is bounded', async () => {
  await start({ connections: 5 });
  const connections: RawConnection[] = [];
  for (let opened = 0; opened < 12; opened++) connections.push(await open());
  const [first] = connections;
  expect(await endsSoon(first as RawConnection)).toBe(true);
  expect(await webhook.connections()).toBeLessThanOrEqual(5);
  expect((await postReview(webhook, review)).status).toBe(200);
});
