import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { podOf, responseOf, reviewOf } from '../support/builders/reviews.ts';
import { postReview } from '../support/http/https-client.ts';
import { askMetrics } from '../support/http/metrics-client.ts';
import { askSteadily } from '../support/http/steady-reviews.ts';
import { startServing, type ServedProgram } from '../support/processes/served-program.ts';
import { readSample } from '../support/processes/webhook-server.ts';

/** The short form; `make soak` is half an hour at 500 reviews a second. */
const seconds = Number(process.env['SOAK_SECONDS'] ?? 15);
const perSecond = Number(process.env['SOAK_RATE'] ?? 150);
const mebibyte = 1024 * 1024;

jest.setTimeout(120_000 + seconds * 1_000);

let folder: string;
let program: ServedProgram;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'soak-'));
  // As in the image; and the heap is collected each second, so that what is left is what is held.
  const options = '--max-semi-space-size=8 --expose-gc --import=data:text/javascript,setInterval(gc,1000).unref()';
  program = await startServing({ folder, before: `export MALLOC_ARENA_MAX=1 NODE_OPTIONS='${options}'` });
});
afterAll(async () => {
  await program.stop('SIGKILL');
  await rm(folder, { recursive: true });
});

/** What the process holds at a moment. */
interface Held {
  readonly heap: number;
  readonly resident: number;
  readonly descriptors: number;
  readonly threads: number;
}

async function look(): Promise<Held> {
  const { text } = await askMetrics(program.metricsPort, '/metrics');
  const [descriptors, threads] = await Promise.all(
    ['fd', 'task'].map((name) => readdir(`/proc/${program.pid}/${name}`)),
  );
  return {
    heap: readSample(text, 'nodejs_heap_size_used_bytes') ?? Number.NaN,
    resident: readSample(text, 'process_resident_memory_bytes') ?? Number.NaN,
    descriptors: descriptors?.length ?? Number.NaN,
    threads: threads?.length ?? Number.NaN,
  };
}

/** The least of each: the heap after a collection, descriptors without the connections of the moment. */
function least(all: readonly Held[]): Held {
  const of = (key: keyof Held) => Math.min(...all.map((held) => held[key]));
  return { heap: of('heap'), resident: of('resident'), descriptors: of('descriptors'), threads: of('threads') };
}

test('under a constant load of new and known pods, over old and fresh connections, the process grows by nothing', async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const startMs = performance.now();
  const elapsed = () => (performance.now() - startMs) / 1_000;
  const seen: { readonly at: number; readonly held: Held }[] = [];
  // Every second pod is new to the process, and every tenth review comes over a connection of its own.
  const asking = askSteadily(
    perSecond,
    async (index) => {
      const name = index % 2 === 0 ? `revision-${index}` : `known-${index % 50}`;
      const review = reviewOf(podOf({ name, annotations: { 'example.com/revision': name } }));
      return responseOf(await postReview(program, review, index % 10 === 0 ? {} : { agent })).patchType ?? 'no patch';
    },
    () => elapsed() > seconds,
  );
  const watching = setInterval(
    () =>
      void look().then(
        (held) => seen.push({ at: elapsed(), held }),
        () => undefined,
      ),
    Math.max(250, seconds),
  );
  const outcomes = await asking;
  clearInterval(watching);
  agent.destroy();
  // Until half of the time has passed, code is compiled and caches are filled.
  const during = (from: number, to: number) =>
    least(seen.filter(({ at }) => at >= from * seconds && at < to * seconds).map(({ held }) => held));
  const [before, after] = [during(1 / 2, 3 / 4), during(3 / 4, 1)];
  process.stdout.write(`${seconds} s at ${perSecond}/s: ${JSON.stringify({ outcomes, before, after })}\n`);
  expect(Object.keys(outcomes)).toEqual(['JSONPatch']);
  expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 8);
  expect(after.threads).toBeLessThanOrEqual(before.threads);
  expect(after.heap).toBeLessThan(before.heap + 8 * mebibyte);
  expect(after.resident).toBeLessThan(before.resident + 32 * mebibyte);
});
