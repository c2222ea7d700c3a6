import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestBytes } from './connection.ts';
import type { Effort } from './effort.ts';
import { openTarget, sendRound } from './load.ts';
import { typicalPod } from './pods.ts';
import { reviewText, workloadNames } from './reviews.ts';
import { fromCheckout, startWebhook, type ServerProcess, type WebhookOptions } from './server-process.ts';
import { spreadOf, type Spread } from './statistics.ts';

/** From the start of the process to the first 200 of /readyz, milliseconds. */
export interface Startup {
  readonly checkout: Spread;
  /** Of the bundle that goes into the image. */
  readonly bundle: Spread;
}

function askReady({ port, ca }: ServerProcess): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path: '/readyz', ca, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode === 200));
    });
    call.once('error', reject);
    call.end();
  });
}

async function startOnce(folder: string, options: WebhookOptions): Promise<number> {
  const startMs = performance.now();
  const server = await startWebhook(folder, options);
  try {
    while (!(await askReady(server))) await sleep(2);
    return performance.now() - startMs;
  } finally {
    await server.stop();
  }
}

async function startSeveral(folder: string, options: WebhookOptions, times: number): Promise<Spread> {
  const values: number[] = [];
  for (let index = 0; index < times; index++) values.push(await startOnce(folder, options));
  return spreadOf(values);
}

/** Starts checkout and image several times. */
export async function measureStartup(folder: string, image: WebhookOptions, effort: Effort): Promise<Startup> {
  return {
    checkout: await startSeveral(folder, fromCheckout, effort.starts),
    bundle: await startSeveral(folder, image, effort.starts),
  };
}

export interface Memory {
  readonly idleBytes: number;
  readonly loadedBytes: number;
  readonly reviews: number;
}

/** Memory of a fresh webhook (the bundle) before and after many typical reviews. */
export async function measureMemory(folder: string, image: WebhookOptions, effort: Effort): Promise<Memory> {
  const server = await startWebhook(folder, image);
  try {
    const idle = await server.usage();
    const target = await openTarget(server, 8);
    const requests = workloadNames.map((name) => requestBytes(reviewText(typicalPod(name))));
    await sendRound(target, requests, effort.memoryReviews);
    const loaded = await server.usage();
    target.close();
    return { idleBytes: idle.rssBytes, loadedBytes: loaded.rssBytes, reviews: effort.memoryReviews };
  } finally {
    await server.stop();
  }
}
