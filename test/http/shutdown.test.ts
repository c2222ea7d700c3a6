import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ask, postReview } from '../support/http/https-client.ts';
import { askMetrics } from '../support/http/metrics-client.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { startServing, type ServedProgram } from '../support/processes/served-program.ts';
import { openConnection } from '../support/http/tls-client.ts';
import { until } from '../support/waiting.ts';
import { readSample } from '../support/processes/webhook-server.ts';

let folder: string;
let program: ServedProgram;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shutdown-'));
});
afterAll(async () => {
  await program.stop('SIGKILL');
  await rm(folder, { recursive: true });
});

const review = JSON.stringify(reviewOf(podOf()));

async function start(drainSeconds: number): Promise<void> {
  program = await startServing({ folder, arguments: [`--drain-seconds=${drainSeconds}`] });
}

/**
 * Asks as the API server does, over connections that are kept, and moves on when it is told to: as a Service does,
 * it opens no connection any more once the endpoint is no longer ready.
 */
async function loadUntilUnready(kept: Agent, counts: { answered: number; closing: number }): Promise<void> {
  const worker = async (): Promise<void> => {
    for (;;) {
      const answer = await postReview(program, review, { agent: kept });
      expect(responseOf(answer).patchType).toBe('JSONPatch');
      counts.answered++;
      if (answer.headers.connection !== 'close') continue;
      counts.closing++;
      if ((await ask(program, { path: '/readyz' })).status === 503) return;
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}

test('SIGTERM under load: unready first, every request answered, connections sent away, exit code 0', async () => {
  await start(1);
  const kept = new Agent({ keepAlive: true, maxSockets: 4 });
  expect((await ask(program, { path: '/readyz' })).status).toBe(200);
  const counts = { answered: 0, closing: 0 };
  const load = loadUntilUnready(kept, counts);
  await until('the load is on', () => (counts.answered > 100 ? true : undefined));
  expect(counts.closing).toBe(0);
  const ended = program.stop('SIGTERM');
  await program.logged('draining');
  const { status, text } = await ask(program, { path: '/readyz' });
  expect([status, text]).toEqual([503, expect.stringMatching(/^\[-\] shutdown: draining$/m)]);
  expect((await ask(program, { path: '/livez' })).status).toBe(200);
  expect(readSample((await askMetrics(program.metricsPort, '/metrics')).text, 'sidecar_injector_ready')).toBe(0);
  await load;
  expect(counts.closing).toBeGreaterThanOrEqual(4);
  // Not ready is not closed: whoever has not heard of it yet is still served.
  expect((await postReview(program, review)).status).toBe(200);
  expect(await ended).toBe(0);
  kept.destroy();
  expect((await program.readLines()).at(-1)).toMatchObject({ msg: 'stopped' });
  await expect(ask(program, { path: '/livez' })).rejects.toThrow(/ECONNREFUSED/);
});

test.each([
  ['headers', 30],
  ['body', -100],
])('a call whose %s are on their way when the time is over is answered', async (_what, cut) => {
  await start(0);
  const connection = await openConnection(program);
  const head = `POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${review.length}\r\n\r\n`;
  const call = head + review;
  connection.write(call.slice(0, cut));
  expect((await ask(program, { path: '/livez' })).status).toBe(200);
  const ended = program.stop('SIGTERM');
  await program.logged('draining');
  await until('it accepts no other', () =>
    ask(program, { path: '/livez' }).then(
      () => undefined,
      () => true,
    ),
  );
  connection.write(call.slice(cut));
  expect(await connection.receive(/auditAnnotations/)).toMatch(/^HTTP\/1\.1 200 [^]*connection: close/i);
  expect(await ended).toBe(0);
});

test('clients that stop in the middle do not keep the process', async () => {
  await start(0);
  const half = await openConnection(program);
  half.write('POST /inject HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{');
  const silent = await openConnection(program);
  const idle = new Agent({ keepAlive: true });
  await ask(program, { path: '/livez', agent: idle });
  expect(await program.stop('SIGTERM')).toBe(0);
  await Promise.all([half.closed, silent.closed]);
  idle.destroy();
});

test('SIGINT ends it as SIGTERM does', async () => {
  await start(0);
  expect(await program.stop('SIGINT')).toBe(0);
});

test('a second signal ends it at once', async () => {
  await start(600);
  const ended = program.stop('SIGTERM');
  await program.logged('draining');
  void program.stop('SIGTERM');
  expect(await ended).toBe(1);
});
