import type { Machine } from '../machine.ts';
import { overloadTitle, type Section } from '../page-parts.ts';
import type { Spread } from '../statistics.ts';
import { markdownTable, plainTable, type Table } from '../table.ts';
import type { Tally } from './attack-process.ts';
import { figuresOf, type Situation, type SituationFigures } from './figures.ts';
import { timeoutMs, type Pace } from './steady-load.ts';

/** What one run of this part found out. */
export interface OverloadResults {
  readonly pace: Pace;
  /** Without any attack. */
  readonly reference: Situation;
  readonly attacked: readonly Situation[];
  readonly machine: Pick<Machine, 'processor' | 'cores' | 'date' | 'load'>;
}

/** The shipped Deployment's limit. */
const memoryLimit = 512;

function whole(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

function milliseconds(value: number): string {
  return Number.isNaN(value) ? '-' : `${value < 10 ? value.toFixed(1) : whole(value)} ms`;
}

function mebibytes(bytes: number): number {
  return bytes / 1_024 ** 2;
}

function ratio({ median, least, most }: Spread): string {
  if (Number.isNaN(median)) return '-';
  const write = (value: number): string => (median < 10 ? value.toFixed(1) : whole(value));
  return `${write(median)} (${write(least)} to ${write(most)})`;
}

function listOf(tally: Tally): string {
  const entries = Object.entries(tally);
  return entries.length === 0 ? '-' : entries.map(([what, times]) => `${what}: ${whole(times)}`).join(', ');
}

function outcomeTable(all: readonly SituationFigures[]): Table {
  return [
    ['beside', 'reviews', 'decided', 'shed (503)', 'failed', 'p50', 'p99', 'worst', 'most memory'],
    ...all.map(({ name, sent, decided, shed, failed, p50Ms, p99Ms, worstMs, peakRssBytes }) => [
      name,
      ...[sent, decided, shed, failed].map(whole),
      ...[p50Ms, p99Ms, worstMs].map(milliseconds),
      `${whole(mebibytes(peakRssBytes))} MiB`,
    ]),
  ];
}

function ratioTable(attacked: readonly SituationFigures[]): Table {
  return [
    ['beside', 'p50 ×', 'p99 ×', 'worst ×', 'most memory ×'],
    ...attacked.map(({ name, ratios: { p50, p99, worst, memory } }) => [
      name,
      ...[p50, p99, worst, memory].map((spread) => ratio(spread)),
    ]),
  ];
}

function tallyTable(attacked: readonly SituationFigures[]): Table {
  return [
    ['attack', 'what its clients met', 'what failed reviews met'],
    ...attacked.map(({ name, met, problems }) => [name, listOf(met), listOf(problems)]),
  ];
}

function targetTable(attacked: readonly SituationFigures[]): Table {
  const sum = (figure: (one: SituationFigures) => number): number =>
    attacked.reduce((total, one) => total + figure(one), 0);
  const [sent, decided] = [sum((one) => one.sent), sum((one) => one.decided)];
  const worstMs = Math.max(...attacked.map((one) => one.worstMs));
  const memory = Math.max(...attacked.map(({ peakRssBytes }) => mebibytes(peakRssBytes)));
  const verdict = (isMet: boolean): string => (isMet ? 'met' : 'NOT MET');
  return [
    ['target', 'found', ''],
    [
      'every usual review beside every attack is decided',
      `${whole(decided)} of ${whole(sent)}`,
      verdict(decided === sent),
    ],
    [`worst latency below ${timeoutMs / 1_000} s`, milliseconds(worstMs), verdict(worstMs < timeoutMs)],
    [`less than ${memoryLimit} MiB resident`, `${whole(memory)} MiB`, verdict(memory < memoryLimit)],
  ];
}

function introduction({ pace, reference, machine }: OverloadResults): string {
  return `${overloadTitle}

Reviews of typical pods at a steady ${pace.perSecond} a second, beside clients that attack the webhook
([what it does about them](decisions/overload.md)). Each attack has a fresh webhook (the bundle, started as the image
does) and lasts ${pace.seconds} s from the first review on; every round, ${reference.trials.length} in all, plays all of them and one time without any. The
webhook, the attackers and the client of the reviews are processes of their own on the same ${machine.cores} cores
(${machine.processor}), so what attackers use themselves is in the figures, too. Measured on ${machine.date}; the average load of
the minute before was ${machine.load.toFixed(2)}.

- **ten slow bodies**: each announces 7 MiB and sends a byte every 200 ms; refused ones begin again.
- **4,300 idle connections**: a third has had a question answered, the others have not even begun TLS; every 5 s those that
  the webhook has closed are opened again.
- **fifty bodies of 3 MB at once**: complete, valid reviews; those that are shed are sent again 100 ms later, and the next
  fifty when all are answered.

A review is decided when it is answered 200 with its own uid and patch within ${timeoutMs / 1_000} s. Like the API server's client, the
load opens a connection when none is idle, and takes the first that is free; unlike it, it tries nothing again. Latencies
are those of decided reviews, from the moment that one is due. Ratios compare with the reference of the same round:
median, least and most.`;
}

/** The part of the page, and its tables for a terminal. */
export function writeSection(results: OverloadResults): Section {
  const reference = figuresOf(results.reference, results.reference);
  const attacked = results.attacked.map((situation) => figuresOf(situation, results.reference));
  const tables = [
    ['Targets under attack', targetTable(attacked)],
    ['Reviews beside attacks', outcomeTable([reference, ...attacked])],
    ['Compared with no attack', ratioTable(attacked)],
    ['The attacks', tallyTable(attacked)],
  ] as const;
  return {
    markdown: `${[introduction(results), ...tables.map(([name, table]) => `### ${name}\n\n${markdownTable(table)}`)].join('\n\n')}\n`,
    summary: tables.map(([name, table]) => `${name}\n${plainTable(table)}`).join('\n\n'),
  };
}
