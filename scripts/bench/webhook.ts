import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../checkout.ts';
import { run } from '../../test/harness/tools/command.ts';
import { compare, type Comparison } from './comparison.ts';
import { requestBytes } from './connection.ts';
import { measureDecisions } from './decisions.ts';
import type { Effort } from './effort.ts';
import { openTarget, sendRound, type Target } from './load.ts';
import { describeMachine } from './machine.ts';
import { writePage } from './page.ts';
import type { Section } from './page-parts.ts';
import { typicalPod } from './pods.ts';
import { podKinds, reviewText, workloadNames } from './reviews.ts';
import { fromImage, startBareServer, startWebhook, type WebhookOptions } from './server-process.ts';
import { measureMemory, measureStartup } from './startup.ts';

const connectionCount = 8;

/** The webhook's own answer, which the yardstick gives to every review. */
async function answerOf(webhook: Target): Promise<Buffer> {
  const [connection] = webhook.connections;
  if (connection === undefined) throw new Error('there is no connection');
  const answer = await connection.exchange(requestBytes(reviewText(typicalPod('checkout'))));
  if (!answer.includes('"patchType":"JSONPatch"')) throw new Error('the webhook did not inject the typical pod');
  return answer;
}

async function compareServers(
  folder: string,
  image: WebhookOptions,
  effort: Effort,
  say: (line: string) => void,
): Promise<Comparison[]> {
  const webhookServer = await startWebhook(folder, image);
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

/** Measures the webhook beside a bare Fastify server. */
export async function benchWebhook(effort: Effort, say: (line: string) => void): Promise<Section> {
  const startMs = performance.now();
  const machine = describeMachine();
  const build = [process.execPath, '--disable-warning=ExperimentalWarning', 'scripts/build.ts'] as const;
  if ((await run(build, { cwd: root })) !== 0) throw new Error('the bundle could not be built');
  const image = await fromImage();
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-bench-'));
  try {
    const comparisons = await compareServers(folder, image, effort, say);
    say('decisions in process …');
    const inProcess = measureDecisions(effort);
    say('starts …');
    const startup = await measureStartup(folder, image, effort);
    say('memory …');
    const memory = await measureMemory(folder, image, effort);
    const seconds = (performance.now() - startMs) / 1_000;
    return writePage({
      machine,
      image,
      effort,
      connectionCount,
      comparisons,
      inProcess,
      startup,
      memory,
      seconds,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
