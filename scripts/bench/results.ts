import type { WebhookOptions } from './server-process.ts';
import type { Comparison } from './comparison.ts';
import type { InProcess } from './decisions.ts';
import type { Effort } from './effort.ts';
import type { Machine } from './machine.ts';
import type { Memory, Startup } from './startup.ts';
import type { Spread } from './statistics.ts';
import type { Table } from './table.ts';

/** Everything that one run of the bench found out. */
export interface Results {
  readonly machine: Machine;
  /** Options that the image gives Node, and the webhook had here. */
  /** How the measured webhook was started. */
  readonly image: WebhookOptions;
  readonly effort: Effort;
  readonly connectionCount: number;
  readonly comparisons: readonly Comparison[];
  readonly inProcess: InProcess;
  readonly startup: Startup;
  readonly memory: Memory;
  /** Of the whole run. */
  readonly seconds: number;
}

function number(value: number, digits = 0): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function digitsOf(value: number): number {
  return value < 10 ? 1 : 0;
}

function range({ median, least, most }: Spread): string {
  const digits = digitsOf(median);
  return `${number(median, digits)} (${number(least, digits)} to ${number(most, digits)})`;
}

function percent(value: number): string {
  return `${number(value * 100)} %`;
}

function kibibytes(bytes: number): string {
  return `${number(bytes / 1_024, 1)} KiB`;
}

function mebibytes(bytes: number): string {
  return `${number(bytes / 1_024 ** 2)} MiB`;
}

/** Requests a second, as fast as it goes. */
export function throughputTable({ comparisons }: Results): Table {
  return [
    ['pod', 'review', 'webhook req/s', 'bare req/s', 'share'],
    ...comparisons.map(({ kind, reviewBytes, webhook, bare, share }) => [
      kind.name,
      kibibytes(reviewBytes),
      range(webhook.perSecond),
      range(bare.perSecond),
      `${percent(share.median)} (${percent(share.least)} to ${percent(share.most)})`,
    ]),
  ];
}

/** Processor time of the server's process. */
export function processorTable({ comparisons }: Results): Table {
  return [
    ['pod', 'webhook µs/review', 'bare µs/review', 'share'],
    ...comparisons.map(({ kind, webhook, bare, cpuShare }) => [
      kind.name,
      range(webhook.cpuMicros),
      range(bare.cpuMicros),
      `${percent(cpuShare.median)} (${percent(cpuShare.least)} to ${percent(cpuShare.most)})`,
    ]),
  ];
}

/** Latency at a constant rate. */
export function latencyTable({ comparisons }: Results): Table {
  return [
    ['pod', 'rate', 'webhook p50', 'webhook p99', 'bare p50', 'bare p99'],
    ...comparisons.map(({ kind, webhook, bare }) => [
      kind.name,
      `${kind.ratePerSecond}/s`,
      ...[webhook, bare].flatMap(({ latency }) =>
        [latency.p50Ms, latency.p99Ms].map((value) => `${number(value, digitsOf(value))} ms`),
      ),
    ]),
  ];
}

/** Single decisions in process. */
export function decisionTable({ inProcess }: Results): Table {
  return [
    ['decision', 'median', 'least', 'most'],
    ...inProcess.decisions.map(({ what, nanoseconds }) => [
      what,
      ...[nanoseconds.median, nanoseconds.least, nanoseconds.most].map((value) => `${number(value)} ns`),
    ]),
  ];
}

/** Nanoseconds for one variable more: of the first thousand, and of the nine thousand after them. */
function perEntry({ inProcess: { linearity } }: Results): { readonly first: number; readonly later: number } {
  return { first: linearity.thousand, later: (linearity.tenThousand - linearity.thousand) / 9 };
}

/** Start, memory, sizes. */
export function otherTable(results: Results): Table {
  const { startup, memory, inProcess } = results;
  const entry = perEntry(results);
  return [
    ['what', 'figure'],
    ['from process start to ready, checkout', `${range(startup.checkout)} ms`],
    ['from process start to ready, bundle', `${range(startup.bundle)} ms`],
    ['resident memory after the start, bundle', mebibytes(memory.idleBytes)],
    [`resident memory after ${number(memory.reviews)} typical reviews, bundle`, mebibytes(memory.loadedBytes)],
    ['reading and deciding, per variable of a pod with 1,000', `${number(entry.first)} ns`],
    ['reading and deciding, per variable from 1,000 to 10,000', `${number(entry.later)} ns`],
    ...inProcess.sizes.flatMap(({ name, patchBytes, bootstrapBytes, withoutMetricsBytes }) => [
      [`patch of the ${name} pod`, `${number(patchBytes)} bytes`],
      [`Envoy's bootstrap in it`, `${number(bootstrapBytes)} bytes`],
      ['the same without metrics', `${number(withoutMetricsBytes)} bytes`],
    ]),
  ];
}

interface Target {
  readonly what: string;
  readonly found: string;
  readonly isMet: boolean;
}

function shareTarget({ comparisons }: Results, name: string, least: number): Target {
  const found = comparisons.find(({ kind }) => kind.name === name);
  const share = found?.share.median ?? 0;
  const cpuShare = found?.cpuShare.median ?? 0;
  return {
    what: `at least ${percent(least)} of the bare server's requests per second, ${name} pod`,
    found: `${percent(share)} (by processor time ${percent(cpuShare)})`,
    isMet: share >= least,
  };
}

const readyWithinMs = 1_000;
const memoryLimitBytes = 125 * 1_024 ** 2;
/** Growth of the cost per variable that still counts as linear. */
const linearWithin = 1.25;

/** What was promised and what was found. */
export function targetTable(results: Results): Table {
  const { startup, memory } = results;
  const entry = perEntry(results);
  const growth = entry.later / entry.first;
  const targets: readonly Target[] = [
    shareTarget(results, 'typical', 0.65),
    shareTarget(results, '1,000 env', 0.9),
    {
      what: `linear in the number of variables (cost of one at most × ${linearWithin})`,
      found: `× ${number(growth, 2)}`,
      isMet: growth <= linearWithin,
    },
    {
      what: 'ready within 1 s, bundle',
      found: `${number(startup.bundle.median)} ms`,
      isMet: startup.bundle.median <= readyWithinMs,
    },
    {
      what: 'ready within 1 s, checkout',
      found: `${number(startup.checkout.median)} ms`,
      isMet: startup.checkout.median <= readyWithinMs,
    },
    {
      what: `less than 125 MiB resident after ${number(memory.reviews)} typical reviews`,
      found: mebibytes(memory.loadedBytes),
      isMet: memory.loadedBytes < memoryLimitBytes,
    },
  ];
  return [
    ['target', 'found', ''],
    ...targets.map(({ what, found, isMet }) => [what, found, isMet ? 'met' : 'NOT MET']),
  ];
}
