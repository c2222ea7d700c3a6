import { requestBytes } from './connection.ts';
import type { Effort } from './effort.ts';
import { latencyOf, sendAtRate, sendRound, type Latency, type Round, type Target } from './load.ts';
import { reviewText, workloadNames, type PodKind } from './reviews.ts';
import { spreadOf, type Spread } from './statistics.ts';

/** What one server came to with one kind of pod. */
export interface Figures {
  readonly perSecond: Spread;
  readonly cpuMicros: Spread;
  readonly latency: Latency;
}

/** Webhook and yardstick with the same reviews, in turns. */
export interface Comparison {
  readonly kind: PodKind;
  readonly reviewBytes: number;
  readonly webhook: Figures;
  readonly bare: Figures;
  /** Requests a second of the webhook by those of the yardstick, of each pair of neighbouring rounds. */
  readonly share: Spread;
  /** The same by processor time: that of the yardstick by that of the webhook. */
  readonly cpuShare: Spread;
}

interface Pair<T> {
  readonly webhook: T;
  readonly bare: T;
}

async function sendPairs(
  targets: Pair<Target>,
  requests: readonly Buffer[],
  count: number,
  rounds: number,
): Promise<readonly Pair<Round>[]> {
  const pairs: Pair<Round>[] = [];
  for (let round = 0; round <= rounds; round++) {
    // Who goes first changes, so that a drift of the machine meets both alike.
    const isWebhookFirst = round % 2 === 0;
    const first = await sendRound(isWebhookFirst ? targets.webhook : targets.bare, requests, count);
    const second = await sendRound(isWebhookFirst ? targets.bare : targets.webhook, requests, count);
    const pair = isWebhookFirst ? { webhook: first, bare: second } : { webhook: second, bare: first };
    if (round > 0) pairs.push(pair);
  }
  return pairs;
}

async function measureLatency(
  targets: Pair<Target>,
  requests: readonly Buffer[],
  plan: { perSecond: number; seconds: number },
) {
  const turns = 2;
  const count = Math.max(2, Math.round((plan.perSecond * plan.seconds) / turns));
  const durations = { webhook: [] as number[], bare: [] as number[] };
  for (let turn = 0; turn < turns; turn++) {
    for (const name of ['webhook', 'bare'] as const) {
      durations[name].push(...(await sendAtRate(targets[name], requests, { perSecond: plan.perSecond, count })));
    }
  }
  return { webhook: latencyOf(durations.webhook), bare: latencyOf(durations.bare) };
}

/** Measures both servers with one kind of pod in one interleaved run. */
export async function compare(targets: Pair<Target>, kind: PodKind, effort: Effort): Promise<Comparison> {
  const reviews = workloadNames.map((name) => reviewText(kind.pod(name)));
  const requests = reviews.map(requestBytes);
  const count = Math.max(targets.webhook.connections.length, Math.round(kind.perRound * effort.roundShare));
  const pairs = await sendPairs(targets, requests, count, effort.rounds);
  const latency = await measureLatency(targets, requests, {
    perSecond: kind.ratePerSecond,
    seconds: effort.latencySeconds,
  });
  const figures = (name: keyof Pair<unknown>): Figures => ({
    perSecond: spreadOf(pairs.map((pair) => pair[name].perSecond)),
    cpuMicros: spreadOf(pairs.map((pair) => pair[name].cpuMicros)),
    latency: latency[name],
  });
  return {
    kind,
    reviewBytes: reviews[0]?.length ?? 0,
    webhook: figures('webhook'),
    bare: figures('bare'),
    share: spreadOf(pairs.map(({ webhook, bare }) => webhook.perSecond / bare.perSecond)),
    cpuShare: spreadOf(pairs.map(({ webhook, bare }) => bare.cpuMicros / webhook.cpuMicros)),
  };
}
