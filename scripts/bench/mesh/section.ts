import type { Kind } from '../../../src/mesh/resources/kinds.ts';
import type { Machine } from '../machine.ts';
import { meshTitle, type Section } from '../page-parts.ts';
import type { Spread } from '../statistics.ts';
import { markdownTable, plainTable, type Table } from '../table.ts';
import { endpointsEach, podCount } from './objects.ts';
import type { ChangeName, CostSpread, MeshEffort, MeshFigures } from './figures.ts';

/** What both control planes came to with so many proxies. */
export interface MeshComparison {
  readonly effort: MeshEffort;
  readonly ours: MeshFigures;
  /** A text says why there are no figures. */
  readonly reference: MeshFigures | string;
}

/** What one run of this part found out. */
export interface MeshResults {
  readonly comparisons: readonly MeshComparison[];
  readonly machine: Pick<Machine, 'processor' | 'cores' | 'date' | 'load'>;
}

/** Undefined where it was not measured. */
type Figure = (figures: MeshFigures) => Spread | undefined;

function write(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 });
}

function range(spread: Spread | undefined): string {
  if (spread === undefined) return '-';
  const { median, least, most } = spread;
  return least === most ? write(median) : `${write(median)} (${write(least)} to ${write(most)})`;
}

function ratio(own: number, other: number): string {
  return other === 0 ? '-' : (own / other).toFixed(own / other < 0.1 ? 3 : 2);
}

function rowOf(what: string, figure: Figure, { ours, reference }: MeshComparison): readonly string[] {
  if (typeof reference === 'string') return [what, range(figure(ours)), 'not run', '-'];
  const [own, other] = [figure(ours), figure(reference)];
  const times = own === undefined || other === undefined ? '-' : ratio(own.median, other.median);
  return [what, range(own), range(other), times];
}

function change(event: string, name: ChangeName): (typeof events)[number] {
  return [event, ({ changes }) => changes[name]];
}

const events: readonly (readonly [event: string, of: (figures: MeshFigures) => CostSpread | undefined])[] = [
  ['first sync of all', ({ sync }) => sync],
  change('endpoints of a Service changed', 'endpoints'),
  change('VirtualService changed', 'routes'),
  change('Service added', 'added'),
  change('Service removed', 'removed'),
  change('root replaced', 'roots'),
];

const measures = [
  ['last ACK, ms', 'lastMs', 1],
  ['processor time, ms', 'cpuMs', 1],
  ['KiB a proxy', 'bytes', 1_024],
] as const;

function scaled(spread: Spread | undefined, unit: number): Spread | undefined {
  if (spread === undefined) return undefined;
  const { median, least, most } = spread;
  return { median: median / unit, least: least / unit, most: most / unit };
}

const mebibyte = 2 ** 20;

const kindNames: Readonly<Record<Kind, string>> = {
  cluster: 'clusters',
  endpoints: 'endpoints',
  listener: 'listeners',
  routes: 'routes',
  secret: 'secrets',
};

function figureTable(comparison: MeshComparison): Table {
  const rows = events.flatMap(([event, of]) =>
    measures.map(([measure, key, unit]) =>
      rowOf(`${event}: ${measure}`, (figures) => scaled(of(figures)?.[key], unit), comparison),
    ),
  );
  const kinds = (Object.keys(kindNames) as Kind[]).map((kind) =>
    rowOf(
      `first sync: KiB of ${kindNames[kind]} a proxy`,
      (figures) => scaled(figures.bytesByKind[kind], 1_024),
      comparison,
    ),
  );
  const memory = (
    [
      ['before the first proxy', 'ready'],
      ['after the first sync', 'synced'],
      [`${comparison.effort.settleMs / 1_000} s later`, 'settled'],
    ] as const
  ).map(([when, key]) =>
    rowOf(`resident memory ${when}, MiB`, (figures) => scaled(figures.memory[key], mebibyte), comparison),
  );
  const client = rowOf('processor time of the proxies meanwhile, ms', (figures) => figures.clientCpuMs, comparison);
  return [['what', 'sidecar-injector', 'istiod', '× istiod'], ...rows, ...kinds, ...memory, client];
}

interface Goal {
  readonly what: string;
  readonly figure: Figure;
  /** The most that the share of istiod's may be. */
  readonly most: number;
}

function changed(name: ChangeName, key: keyof CostSpread): Figure {
  return ({ changes }) => changes[name]?.[key];
}

const goals: readonly Goal[] = [
  { what: 'first sync: at most 1/3 of the processor time', figure: ({ sync }) => sync.cpuMs, most: 1 / 3 },
  { what: 'VirtualService changed: last ACK after at most 1/10', figure: changed('routes', 'lastMs'), most: 0.1 },
  { what: 'VirtualService changed: at most 1/10 of the processor time', figure: changed('routes', 'cpuMs'), most: 0.1 },
  { what: 'VirtualService changed: at most 1/100 of the bytes', figure: changed('routes', 'bytes'), most: 0.01 },
  { what: 'endpoints changed: last ACK no later', figure: changed('endpoints', 'lastMs'), most: 1 },
  {
    what: 'endpoints changed: no more processor time',
    figure: changed('endpoints', 'cpuMs'),
    most: 1,
  },
  { what: 'memory after the first sync: no more', figure: ({ memory }) => memory.synced, most: 1 },
  { what: 'memory later: no more', figure: ({ memory }) => memory.settled, most: 1 },
];

function goalTable(comparisons: readonly MeshComparison[]): Table {
  const rows = comparisons.flatMap(({ effort, ours, reference }) =>
    goals.map(({ what, figure, most }) => {
      const target = `${what}, ${write(effort.proxies)} proxies`;
      if (typeof reference === 'string') return [target, '-', 'not run'];
      const [own, other] = [figure(ours)?.median ?? NaN, figure(reference)?.median ?? NaN];
      const share = own / other;
      return [target, `× ${ratio(own, other)}`, share <= most ? 'met' : 'NOT MET'];
    }),
  );
  return [['target, compared with istiod', 'found', ''], ...rows];
}

function introduction({ comparisons, machine }: MeshResults): string {
  const [first] = comparisons;
  const why = typeof first?.reference === 'string' ? ` istiod was not run: it needs ${first.reference}.` : '';
  const changes = first?.effort.changes ?? 0;
  return `${meshTitle}

What the control plane of \`mode: mesh\` costs, beside Istio's of the 1.32 line, built from its Go module: both real processes
with their own defaults, in turn before the same API server with the same objects, ${first?.effort.rounds ?? 0} rounds of which each begins with the other one: ${write(first?.effort.services ?? 0)} Services with
${endpointsEach} endpoints each, from ${podCount} pods that take part in the mesh. Proxies are simulated: one process opens a TLS connection and a
stream of delta ADS for each, shows the token of its pod, asks in Envoy's order for what it is referred to, and acknowledges
every response; its own processor time is the last row. All connect at the same time. A change is timed from the call to the
API server until the last proxy has acknowledged it, ${changes} times a round: median, least and most. A root, which ours replaces once a round,
is timed from the first proxy that has it, because control planes look for such a wish now and then. Processor time is that of the whole
process, until a second after the last ACK. Ours also issues the proxies' certificates on that stream, which Istio does on another
one that is not measured here, nor is its root.${why} Everything runs on the same ${machine.cores} cores (${machine.processor}). Measured on
${machine.date}; the average load of the minute before was ${machine.load.toFixed(2)}.`;
}

const meaning = `- Bytes are those of messages as they are sent. Ours are compressed, which proxies announce that they understand; to inflate them is
  part of the processor time of the proxies.
- Both send every Service to every proxy. What differs is the form: here each Service has a listener and routes of its own,
  which is more before it is compressed, and next to nothing when one of them changes; Istio's routes of a port are one message.
- Istio waits until events have been quiet for 100 ms, and lets in a limited number of streams a second, so its times are bounded
  from below by that, its processor time is not.
- Another number of proxies: \`MESH_PROXIES=100,1000 make bench ARGS=--only=mesh\`.`;

/** The part of the page, and its tables for a terminal. */
export function writeMeshSection(results: MeshResults): Section {
  const tables = [
    ['Targets of the mesh', goalTable(results.comparisons)] as const,
    ...results.comparisons.map(
      (comparison) => [`${write(comparison.effort.proxies)} proxies`, figureTable(comparison)] as const,
    ),
  ];
  const parts = tables.map(([title, table]) => `### ${title}\n\n${markdownTable(table)}`);
  return {
    markdown: `${[introduction(results), ...parts, `### What the figures of the mesh mean\n\n${meaning}`].join('\n\n')}\n`,
    summary: tables.map(([title, table]) => `${title}\n${plainTable(table)}`).join('\n\n'),
  };
}

/** The part of the page of a machine that cannot measure it. */
export function meshNotRun(needs: string): Section {
  return { markdown: `${meshTitle}\n\nNot run: it needs ${needs}.\n`, summary: `mesh: not run, it needs ${needs}` };
}
