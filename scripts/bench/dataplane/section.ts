import { dataplaneTitle, type Section } from '../page-parts.ts';
import { markdownTable, plainTable, type Table } from '../table.ts';
import type { Spread } from '../statistics.ts';
import type { VariantFigures } from './costs.ts';
import type { InstructionFigures } from './instructions.ts';
import type { PathEffort, PathFigures } from './paths.ts';
import { answerBytes } from './stage.ts';
import { asInjected, plain, withoutMetrics } from './variants.ts';

/** The ways through the proxy at one rate of requests. */
export interface Load {
  readonly effort: PathEffort;
  readonly paths: readonly PathFigures[];
}

/** What one run of this part found out. */
export interface DataplaneResults {
  readonly loads: readonly Load[];
  readonly variants: readonly VariantFigures[];
  readonly instructions: readonly InstructionFigures[];
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
    [
      'proxy',
      'private MiB',
      'resident MiB',
      'private MiB after load',
      'ready ms',
      'CPU µs/request',
      'wake-ups/s, idle',
    ],
    ...variants.map((one) => [
      one.name,
      mebibytes(one.idlePrivate),
      mebibytes(one.idleResident),
      mebibytes(one.laterPrivate),
      one.readyMs.median.toFixed(0),
      one.cpuMicros.median.toFixed(0),
      one.idleWakeUps.median.toFixed(0),
    ]),
  ];
}

function instructionTable(figures: readonly InstructionFigures[]): Table {
  const yardstick = figures.find(({ name }) => name === plain.name)?.perRequest;
  return [
    ['proxy', 'instructions/request', `× ${plain.name}`],
    ...figures.map(({ name, perRequest }) => [
      name,
      Math.round(perRequest).toLocaleString('en'),
      yardstick === undefined ? '-' : (perRequest / yardstick).toFixed(2),
    ]),
  ];
}

function verdict(isMet: boolean): string {
  return isMet ? 'met' : 'NOT MET';
}

function memoryTargets(variants: readonly VariantFigures[]): string[][] {
  const found = (name: string): string => {
    const figures = variants.find((one) => one.name === name);
    if (figures === undefined) throw new Error(`the variant ${name} was not measured`);
    return mebibytes(figures.idlePrivate);
  };
  const row = (target: string, name: string, most: number): string[] => [
    `${target}, ${name}`,
    `${found(name)} MiB`,
    `${found(plain.name)} MiB`,
    verdict(Number(found(name)) <= most),
  ];
  return [
    row(
      'at most 1.5 MiB of private memory more than a plain Envoy, idle',
      asInjected.name,
      Number(found(plain.name)) + 1.5,
    ),
    ...[asInjected, withoutMetrics].map(({ name }) => row('at most 14 MiB of private memory, idle', name, 14)),
  ];
}

function instructionTargets(figures: readonly InstructionFigures[]): string[][] {
  const of = (name: string): number | undefined => figures.find((one) => one.name === name)?.perRequest;
  const [found, yardstick] = [of(asInjected.name), of(plain.name)];
  if (found === undefined || yardstick === undefined) return [];
  const times = (found / yardstick).toFixed(2);
  return [['at most 1.3 times the instructions of a plain Envoy', `× ${times}`, '', verdict(Number(times) <= 1.3)]];
}

function latencyTargets({ effort, paths }: Load): string[][] {
  const added = (name: string, proxies: number): number =>
    (paths.find((path) => path.name === name)?.added.median ?? NaN) / proxies;
  return (['one proxy', 'two proxies'] as const).map((name, index) => {
    const found = added(name, index + 1);
    return [
      `at most 0.35 ms more at p50 for a proxy, ${name}, ${effort.perSecond} requests/s`,
      `${found.toFixed(2)} ms`,
      `${added(`${name}, ${plain.name}`, index + 1).toFixed(2)} ms`,
      verdict(found <= 0.35),
    ];
  });
}

function targetTable({ loads, variants, instructions }: DataplaneResults): Table {
  return [
    ['target', 'found', plain.name, ''],
    ...memoryTargets(variants),
    ...instructionTargets(instructions),
    ...loads.flatMap(latencyTargets),
  ];
}

function introduction({ loads, machine }: DataplaneResults): string {
  const rounds = loads.map(
    ({ effort }) => `${effort.perSecond} requests a second for ${effort.seconds} s a way in ${effort.rounds} rounds`,
  );
  return `${dataplaneTitle}

What the injected proxy costs the traffic that goes through it. Client and server are pods of their own (network
namespaces on one link), with the init container and the proxy that the engine injects, run as a kubelet runs them. A
client asks over ${loads[0]?.effort.connections} kept connections for an answer of ${answerBytes} bytes: ${rounds.join(', then ')}. Every
round visits every way in turn. Everything runs on the same ${machine.cores} cores (${machine.processor}), so the columns that compare with
the direct way of the same round say more than the others, and so does the yardstick: "${plain.name}" is the least that makes
an Envoy forward captured HTTP, without log, metrics, detection of protocols or any option. Measured on ${machine.date}; the
average load of the minute before was ${machine.load.toFixed(2)}.`;
}

const meaning = `- Private memory is what one more proxy takes from a node. Resident memory counts Envoy's program too, which a node holds
  once for all of them.
- Why 14 MiB of private memory are missed: an Envoy that does nothing but forward HTTP has more, and 13.4 MiB belong to one
  with an empty configuration ([what they are made of](decisions/proxy-memory.md)). The allocator is told to give back a MiB
  a second of what is free. After many requests at once that frees little within seconds: what is left is spread over many
  pages.
- Milliseconds say what this machine did in these minutes. On a host that others use, too, the same proxy added 0.26 ms and
  0.79 ms within two hours, and the direct way went from 0.09 to 0.37 ms with it. At 150 requests a second, programs and
  tables are out of the processor's caches when the next request comes: the same request takes up to three times the time
  that it takes at 1,000 a second, with the same instructions. So compare with the yardstick of the same run.
- Instructions are those of Envoy's program, counted by valgrind's callgrind with one worker: what 1,000 requests more take.
  The kernel's are not in it. They do not depend on the machine, so they tell what a change of the configuration is worth
  when times cannot.
- What made a request cheaper: labels that all series share are added when the page is asked for (63,000 instructions; all
  25 of them were built anew for four metrics of each request), and no counters by status code for clusters, which
  listeners have (11,000). What else there is to gain costs something: 14,000 for the access log, 6,000 each for the case
  of headers and for gRPC's messages, 2,000 each for request ids and retries.
- An idle proxy wakes to see that its threads are not stuck: every 200 ms with Envoy's own value, every second here. That was
  three quarters of what it used, 2.2 millicores, which are 0.2 cores on a node with a hundred pods.
- Kept out because they were worth nothing: deferred statistics and clusters (there are few of either), smaller buffers,
  one worker instead of two (0.1 MiB, at the price of a second core), and four ways to tell the allocator more (a larger
  \`bytes_to_release\`, \`soft_memory_limit_bytes\`, \`max_per_cpu_cache_size_bytes\`, no caches per processor by
  \`GLIBC_TUNABLES=glibc.pthread.rseq=0\`), each below 0.15 MiB.
- "As TCP" is what an HTTP connection costs on a port that is declared as TCP: what is left is the way through two sockets
  more, and the rest of a proxy's cost is reading, counting and logging requests.
- Proxies of the mesh are driven by its control plane: routes, endpoints, and both sides' names in metrics. With a proxy at the server alone the
  client speaks plain text, which has to be told from mutual TLS first; with two the connection between them is encrypted. These pods are on a
  bridge, all others on one link, and their proxies have one thread, all others two.
- Hot restart stays off: its shared memory has one name, so a second proxy that sees the same /dev/shm does not start.
- The list of statistics that are kept is what keeps the metrics page short; in memory it is worth little.`;

export function writeSection(results: DataplaneResults): Section {
  const tables: (readonly [name: string, table: Table])[] = [
    ['Targets', targetTable(results)],
    ...results.loads.map(
      ({ effort, paths }) =>
        [`Latency and processor time, ${effort.perSecond} requests a second`, pathTable(paths)] as const,
    ),
    ['Instructions of a request', instructionTable(results.instructions)],
    ['One thing changed at a time', variantTable(results.variants)],
  ];
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
