import { dataplaneTitle, type Section } from '../page-parts.ts';
import { markdownTable, plainTable, type Table } from '../table.ts';
import type { Spread } from '../statistics.ts';
import type { VariantFigures } from './costs.ts';
import type { PathEffort, PathFigures } from './paths.ts';
import { answerBytes } from './stage.ts';
import { asInjected, withoutMetrics } from './variants.ts';

/** What one run of this part found out. */
export interface DataplaneResults {
  readonly paths: readonly PathFigures[];
  readonly variants: readonly VariantFigures[];
  readonly effort: PathEffort;
  readonly machine: {
    readonly date: string;
    readonly load: number;
    readonly processor: string;
    readonly cores: number;
  };
}

function range({ median, least, most }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`;
}

function mebibytes({ median }: Spread): string {
  return (median / 2 ** 20).toFixed(1);
}

function pathTable(paths: readonly PathFigures[]): Table {
  return [
    ['way', 'p50 ms', 'p90 ms', 'p99 ms', 'p50 × direct', 'p90 × direct', 'p99 × direct', 'proxy CPU µs/request'],
    ...paths.map(({ name, latency, ratio, cpuMicros }) => [
      name,
      ...latency.map((spread) => spread.median.toFixed(2)),
      ...ratio.map((spread) => range(spread, 1)),
      cpuMicros === undefined ? '-' : range(cpuMicros, 0),
    ]),
  ];
}

function variantTable(variants: readonly VariantFigures[]): Table {
  return [
    ['proxy', 'private MiB', 'resident MiB', 'private MiB after load', 'ready ms', 'CPU µs/request'],
    ...variants.map((one) => [
      one.name,
      mebibytes(one.idlePrivate),
      mebibytes(one.idleResident),
      mebibytes(one.laterPrivate),
      one.readyMs.median.toFixed(0),
      one.cpuMicros.median.toFixed(0),
    ]),
  ];
}

function targetTable({ paths, variants }: DataplaneResults): Table {
  const verdict = (isMet: boolean): string => (isMet ? 'met' : 'NOT MET');
  const memory = [asInjected, withoutMetrics].flatMap(({ name }) => {
    const found = variants.find((one) => one.name === name);
    if (found === undefined) return [];
    const text = `${mebibytes(found.idlePrivate)} MiB`;
    return [
      [`at most 14 MiB of private memory, idle, ${name}`, text, verdict(Number(mebibytes(found.idlePrivate)) <= 14)],
    ];
  });
  const latency = (['one proxy', 'two proxies'] as const).flatMap((name, index) => {
    const found = paths.find((path) => path.name === name);
    if (found === undefined) return [];
    const perProxy = found.added.median / (index + 1);
    return [
      [`at most 0.35 ms more at p50 for a proxy, ${name}`, `${perProxy.toFixed(2)} ms`, verdict(perProxy <= 0.35)],
    ];
  });
  return [['target', 'found', ''], ...memory, ...latency];
}

function introduction({ effort, machine }: DataplaneResults): string {
  return `${dataplaneTitle}

What the injected proxy costs the traffic that goes through it. Client and server are pods of their own (network
namespaces on one link), with the init container and the proxy that the engine injects, run as a kubelet runs them. A
client asks ${effort.perSecond} times a second over ${effort.connections} kept connections for an answer of ${answerBytes} bytes, for ${effort.seconds} s a way, in
${effort.rounds} rounds that visit every way in turn. Everything runs on the same ${machine.cores} cores (${machine.processor}), so the columns that
compare with the direct way of the same round say more than the others. Measured on ${machine.date}; the average load of the
minute before was ${machine.load.toFixed(2)}.`;
}

const meaning = `- Private memory is what one more proxy takes from a node. Resident memory counts Envoy's program too, which a node holds
  once for all of them.
- Why 14 MiB of private memory are missed: Envoy takes nearly that much before it is told anything. Measured by hand on the
  same Envoy, on a quiet machine: 13.4 MiB with an empty configuration (some 6 MiB are relocations and tables of the
  program, the rest its own start), 13.9 with two listeners that only pass bytes on, 14.3 with two that read HTTP, 14.7 with
  the listener for probes and metrics, 15.5 as injected. Whoever reads HTTP is above 14 before anything is logged or counted.
- What an injected proxy holds differs from an empty one's by 1.0 MiB of live allocations; the rest of the 2.1 MiB are holes
  in its pages, left from reading the configuration. So the allocator is told to give back a MiB a second of what is free.
  After many requests at once that frees little within seconds: what is left is spread over many pages.
- Kept out because they were worth nothing: deferred statistics and clusters (there are few of either), smaller buffers,
  one worker instead of two (0.1 MiB, at the price of a second core), and four ways to tell the allocator more (a larger
  \`bytes_to_release\`, \`soft_memory_limit_bytes\`, \`max_per_cpu_cache_size_bytes\`, no caches per processor by
  \`GLIBC_TUNABLES=glibc.pthread.rseq=0\`), each below 0.15 MiB.
- "As TCP" is what an HTTP connection costs on a port that is declared as TCP: what is left is the way through two sockets
  more, and the rest of a proxy's cost is reading, counting and logging requests.
- Hot restart stays off: its shared memory has one name, so a second proxy that sees the same /dev/shm does not start.
- The list of statistics that are kept is what keeps the metrics page short; in memory it is worth little.`;

export function writeSection(results: DataplaneResults): Section {
  const tables = [
    ['Targets', targetTable(results)],
    ['Latency and processor time', pathTable(results.paths)],
    ['One thing changed at a time', variantTable(results.variants)],
  ] as const;
  const parts = tables.map(([name, table]) => `### ${name}\n\n${markdownTable(table)}`);
  return {
    markdown: `${[introduction(results), ...parts, `### What the figures of the data plane mean\n\n${meaning}`].join('\n\n')}\n`,
    summary: tables.map(([name, table]) => `${name}\n${plainTable(table)}`).join('\n\n'),
  };
}

export function sectionNotRun(needs: string): Section {
  return {
    markdown: `${dataplaneTitle}\n\nNot run: it needs ${needs}.\n`,
    summary: `data plane: not run, it needs ${needs}`,
  };
}
