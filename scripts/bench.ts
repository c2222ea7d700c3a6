// bench.ts [--quick]   measures the webhook beside a bare Fastify server, prints the tables, writes docs/benchmarks.md
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { compare, type Comparison } from './bench/comparison.ts';
import { requestBytes } from './bench/connection.ts';
import { measureDecisions } from './bench/decisions.ts';
import { full, quick, type Effort } from './bench/effort.ts';
import { openTarget, sendRound, type Target } from './bench/load.ts';
import { describeMachine } from './bench/machine.ts';
import { writePage } from './bench/page.ts';
import { typicalPod } from './bench/pods.ts';
import { podKinds, reviewText, workloadNames } from './bench/reviews.ts';
import { checkoutProgram, readImageOptions, startBareServer, startWebhook } from './bench/server-process.ts';
import { measureMemory, measureStartup } from './bench/startup.ts';
import { root } from './tools/cache.ts';

const connectionCount = 8;
const page = path.join(root, 'docs/benchmarks.md');

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The webhook's own answer, which the yardstick gives to every review. */
async function answerOf(webhook: Target): Promise<Buffer> {
  const [connection] = webhook.connections;
  if (connection === undefined) throw new Error('there is no connection');
  const answer = await connection.exchange(requestBytes(reviewText(typicalPod('checkout'))));
  if (!answer.includes('"patchType":"JSONPatch"')) throw new Error('the webhook did not inject the typical pod');
  return answer;
}

async function compareServers(folder: string, nodeOptions: readonly string[], effort: Effort): Promise<Comparison[]> {
  const webhookServer = await startWebhook(folder, { program: checkoutProgram, nodeOptions });
  const webhook = await openTarget(webhookServer, connectionCount);
  const answerFile = path.join(folder, 'answer.json');
  await writeFile(answerFile, await answerOf(webhook));
  const bareServer = await startBareServer(folder, answerFile);
  const bare = await openTarget(bareServer, connectionCount);
  try {
    const requests = workloadNames.map((name) => requestBytes(reviewText(typicalPod(name))));
    say('warming up …');
    for (const target of [webhook, bare]) await sendRound(target, requests, effort.warmUp);
    const comparisons: Comparison[] = [];
    for (const kind of podKinds) {
      say(`reviews of the ${kind.name} pod …`);
      comparisons.push(await compare({ webhook, bare }, kind, effort));
    }
    return comparisons;
  } finally {
    webhook.close();
    bare.close();
    await Promise.all([webhookServer.stop(), bareServer.stop()]);
  }
}

async function bench(effort: Effort): Promise<void> {
  const startMs = performance.now();
  const machine = describeMachine();
  const imageOptions = await readImageOptions();
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-bench-'));
  try {
    const comparisons = await compareServers(folder, imageOptions, effort);
    say('decisions in process …');
    const inProcess = measureDecisions(effort);
    say('starts …');
    const startup = await measureStartup(folder, effort);
    say('memory …');
    const memory = await measureMemory(folder, effort);
    const seconds = (performance.now() - startMs) / 1_000;
    const written = writePage({
      machine,
      imageOptions,
      effort,
      connectionCount,
      comparisons,
      inProcess,
      startup,
      memory,
      seconds,
    });
    say(`\n${written.summary}`);
    if (effort.name === 'full') {
      await writeFile(page, written.markdown);
      say(`\n${path.relative(process.cwd(), page)} is written.`);
    } else {
      say('\nA quick run: the figures are rough, docs/benchmarks.md stays as it is.');
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await bench(process.argv.includes('--quick') ? quick : full);
