import { Agent as PlainAgent, request as plainRequest } from 'node:http';
import { Agent } from 'node:https';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { postReview } from '../support/http/https-client.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { startServing, type ServedProgram } from '../support/processes/served-program.ts';
import { openConnection, statusesOf, type RawConnection } from '../support/http/tls-client.ts';
import { until } from '../support/waiting.ts';
import { startWebhook, type Webhook } from '../support/processes/webhook-server.ts';

const mebibyte = 1024 * 1024;
const review = JSON.stringify(reviewOf(podOf()));

const headOf = (length: number): string =>
  `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

describe('clients that send slowly or not at all', () => {
  let folder: string;
  let program: ServedProgram;
  const held: RawConnection[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'hostile-'));
    program = await startServing({ folder, arguments: ['--health-listen=127.0.0.1:0'] });
  });
  afterEach(async () => {
    for (const { socket } of held.splice(0)) socket.destroy();
    await program.stop('SIGKILL');
    await rm(folder, { recursive: true });
  });

  /** Asks until `work` is done, each time on a connection of its own and on a kept one; how many were answered. */
  async function askDuring(work: Promise<unknown>): Promise<number> {
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    let isDone = false;
    let answered = 0;
    void work.finally(() => (isDone = true));
    do {
      for (const agent of [undefined, kept]) {
        expect(responseOf(await postReview(program, review, agent === undefined ? {} : { agent })).patchType).toBe(
          'JSONPatch',
        );
        answered += 1;
      }
      expect(await healthStatus()).toBe(200);
    } while (!isDone);
    await work;
    kept.destroy();
    return answered;
  }

  async function healthStatus(): Promise<number | undefined> {
    const { port } = await program.logged('health listening');
    return new Promise((resolve, reject) => {
      plainRequest({ host: '127.0.0.1', port: Number(port), path: '/readyz', agent: new PlainAgent() }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once('error', reject)
        .end();
    });
  }

  async function hold(text: string | Buffer): Promise<RawConnection> {
    const connection = await openConnection(program);
    held.push(connection);
    connection.write(text);
    return connection;
  }

  test('ten bodies that are promised and never come: every review is answered, they end with 408', async () => {
    const promises = await Promise.all(Array.from({ length: 10 }, () => hold(`${headOf(7 * mebibyte)}{`)));
    const gone = Promise.all(promises.map(({ closed }) => closed));
    expect(await askDuring(gone)).toBeGreaterThan(20);
    for (const connection of promises) expect(statusesOf(connection.received())).toEqual([408]);
  });

  test('ten bodies that stop before their last byte: every review is answered', async () => {
    const body = Buffer.alloc(7 * mebibyte - 1, ' ');
    const stalled = await Promise.all(
      Array.from({ length: 10 }, () => hold(Buffer.concat([Buffer.from(headOf(body.length + 1)), body]))),
    );
    const gone = Promise.all(stalled.map(({ closed }) => closed));
    expect(await askDuring(gone)).toBeGreaterThan(20);
    // Some were given up for others, the rest when their time was over.
    for (const connection of stalled) expect(statusesOf(connection.received())[0]).toBeGreaterThanOrEqual(408);
  });

  test('4,300 connections that only lie open, a third of them with a question answered: every review is answered', async () => {
    const open = async (): Promise<void> => {
      for (let batch = 0; batch < 43; batch++) {
        await Promise.all(
          Array.from({ length: 100 }, async (_, index) => {
            if (index % 3 === 0)
              return void (await hold('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n').catch(() => undefined));
            const socket = connect(program.port, '127.0.0.1').on('error', () => undefined);
            held.push({ socket } as unknown as RawConnection);
            return new Promise<void>((resolve) => void socket.once('connect', resolve).once('close', () => resolve()));
          }),
        );
      }
    };
    expect(await askDuring(open())).toBeGreaterThan(43);
    expect(held).toHaveLength(4_300);
    expect(await askDuring(Promise.resolve())).toBe(2);
  }, 120_000);
});

describe('when memory is short', () => {
  let webhook: Webhook;
  afterEach(() => webhook.close());

  const large = JSON.stringify(reviewOf(podOf({ annotations: { 'example.com/a': 'x'.repeat(300_000) } })));

  test('a body that stands still gives way to one that moves', async () => {
    webhook = await startWebhook({ limits: { bufferedBytes: large.length, stallMs: 100, bodyTimeoutMs: 60_000 } });
    const still = await openConnection(webhook);
    still.write(headOf(large.length) + large.slice(0, -1));
    // The API server tries again as well.
    const answer = await until('the other has given way', async () => {
      const tried = await postReview(webhook, large);
      return tried.status === 503 ? undefined : tried;
    });
    expect(answer.status).toBe(200);
    expect(statusesOf(await still.receive(/Overloaded/))).toEqual([503]);
    expect(await webhook.sample('sidecar_injector_admission_buffered_bytes')).toBeLessThan(large.length);
    still.socket.destroy();
  });

  test('a usual review is answered whatever the others hold', async () => {
    webhook = await startWebhook({ limits: { bufferedBytes: 1, stallMs: 60_000, bodyTimeoutMs: 60_000 } });
    const still = await openConnection(webhook);
    still.write(headOf(large.length) + large.slice(0, -1));
    expect((await postReview(webhook, large)).status).toBe(503);
    expect((await postReview(webhook, review)).status).toBe(200);
    still.socket.destroy();
  });

  test('who is refused reads the answer, sends its body to the end and tries again on the same connection', async () => {
    webhook = await startWebhook({ limits: { bufferedBytes: 1, stallMs: 60_000, bodyTimeoutMs: 60_000 } });
    const still = await openConnection(webhook);
    still.write(headOf(large.length) + large.slice(0, -1));
    await until('it is received', async () =>
      (await webhook.sample('sidecar_injector_admission_buffered_bytes')) === large.length - 1 ? true : undefined,
    );
    const refused = await openConnection(webhook);
    refused.write(headOf(large.length) + large.slice(0, -1));
    expect(await refused.receive(/Overloaded/)).not.toContain('connection: close');
    still.socket.destroy();
    refused.write(large.slice(-1) + headOf(review.length) + review);
    expect(statusesOf(await refused.receive(/patchType/))).toEqual([503, 200]);
    refused.socket.destroy();
  });
});
