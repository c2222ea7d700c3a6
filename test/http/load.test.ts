import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { ask, postReview, type Answer } from '../support/http/https-client.ts';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { startServing, type ServedProgram } from '../support/processes/served-program.ts';
import { openConnection, type RawConnection } from '../support/http/tls-client.ts';
import { until } from '../support/waiting.ts';

const mebibyte = 1024 * 1024;

let folder: string;
let program: ServedProgram;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'load-'));
});
afterEach(() => program.stop('SIGKILL'));
afterAll(() => rm(folder, { recursive: true }));

/** Most memory that the process ever had (proc(5), VmHWM). */
async function peakBytes(): Promise<number> {
  const status = await readFile(`/proc/${program.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

test('fifty reviews of 3 MB at once: each is answered, /livez goes on answering, memory stays bounded', async () => {
  program = await startServing({ folder });
  const env = Array.from({ length: 3_000 }, (_, index) => ({ name: `A${index}`, value: 'x'.repeat(1_000) }));
  const review = JSON.stringify(reviewOf(podOf({}, { containers: [{ name: 'app', image: 'a', env }] })));
  expect(review.length).toBeGreaterThan(3_000_000);
  const agent = new Agent({ keepAlive: true, maxSockets: 50 });
  /** As the API server does it: a 503 with Retry-After is asked again. How many there are depends on the machine. */
  const persist = async (): Promise<Answer> => {
    for (let attempt = 0; attempt < 20; attempt++) {
      const answer = await postReview(program, review, { agent, path: '/inject?timeout=30s' });
      if (answer.status !== 503) return answer;
      expect(answer.headers['retry-after']).toBe('1');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('shed twenty times');
  };
  let isLoaded = true;
  let alive = 0;
  const watch = async (): Promise<void> => {
    while (isLoaded) {
      expect((await ask(program, { path: '/livez' })).status).toBe(200);
      alive++;
    }
  };
  const watching = watch();
  const answers = await Promise.all(Array.from({ length: 50 }, persist));
  isLoaded = false;
  await watching;
  agent.destroy();
  for (const answer of answers) expect(responseOf(answer).patchType).toBe('JSONPatch');
  expect(alive).toBeGreaterThan(1);
  // The shipped Deployment's limit.
  expect(await peakBytes()).toBeLessThan(512 * mebibyte);
});

test('out of file descriptors it refuses some, and serves again when there are some', async () => {
  program = await startServing({ folder, before: 'ulimit -n 64' });
  const held: RawConnection[] = [];
  let refused = 0;
  // Many more than there are descriptors; who gets none hears the connection end.
  await Promise.all(
    Array.from({ length: 150 }, async () => {
      const opened = await openConnection(program, { timeout: 5_000 }).catch(() => undefined);
      if (opened === undefined) refused++;
      else held.push(opened);
    }),
  );
  expect(refused).toBeGreaterThan(50);
  expect(held.length).toBeGreaterThan(5);
  expect(program.isRunning()).toBe(true);
  for (const { socket } of held) socket.destroy();
  const freedMs = performance.now();
  const review = () => postReview(program, reviewOf(podOf()));
  await until('a review is answered', () => review().catch(() => undefined));
  const recoveryMs = performance.now() - freedMs;
  process.stdout.write(
    `${held.length} of 150 accepted; a review is answered ${recoveryMs.toFixed(0)} ms after they left\n`,
  );
  // Each over a connection of its own, ten at a time, which is fewer than there are descriptors.
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(Array.from({ length: 10 }, review));
    expect(answers.map((answer) => responseOf(answer).patchType)).toEqual(Array(10).fill('JSONPatch'));
  }
});
