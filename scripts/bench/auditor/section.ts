import type { Machine } from '../machine.ts';
import { auditorTitle, type Section } from '../page-parts.ts';
import type { Spread } from '../statistics.ts';
import { markdownTable, plainTable, type Table } from '../table.ts';
import { shareOf, spreadBy, type AuditorEffort, type AuditorRun, type Look, type Period } from './figures.ts';

/** What one run of this part found out. */
export interface AuditorResults {
  readonly effort: AuditorEffort;
  readonly run: AuditorRun;
  readonly machine: Pick<Machine, 'processor' | 'cores' | 'date' | 'load'>;
}

/** The shipped Deployment's limit, MiB. */
const memoryLimit = 512;
const mebibyte = 2 ** 20;

function write(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 });
}

function range({ median, least, most }: Spread, text: (value: number) => string = write): string {
  return least === most ? text(median) : `${text(median)} (${text(least)} to ${text(most)})`;
}

const times = (spread: Spread): string => range(spread, (value) => value.toFixed(2));

const measures: readonly (readonly [name: string, key: keyof Look, unit: number])[] = [
  ['from the start of the process, ms', 'ms', 1],
  ['processor time, ms', 'cpuMs', 1],
  ['most memory, MiB', 'peakBytes', mebibyte],
];

function lookTable({ plain, first }: AuditorRun): Table {
  const rows = measures.map(([name, key, unit]) => [
    name,
    range(spreadBy(first, (look) => look[key] / unit)),
    range(spreadBy(plain, (look) => look[key] / unit)),
    times(shareOf(first, plain, key)),
  ]);
  return [['all pods read once', 'auditor', 'official client', '× official client'], ...rows];
}

/** Requests that the election makes, whatever is looked at. */
const isElection = (what: string): boolean => what.includes(' leases');

function requestsOf(period: Period): number {
  return [...period.requests].reduce((sum, [what, count]) => (isElection(what) ? sum : sum + count), 0);
}

function periodTable({ start, labelled, unlabelled, rest, anew }: AuditorRun): Table {
  const rows = (
    [
      ['start, until all pods were looked at and the first Events', [start]],
      ['a namespace gets the label', labelled],
      ['it loses the label', unlabelled],
      ['other settings, all pods', [anew]],
      [`${write(rest.ms / 1_000)} s without a change`, [rest]],
    ] as const
  ).map(([what, periods]) => [
    what,
    range(spreadBy(periods, ({ ms }) => ms)),
    range(spreadBy(periods, ({ cpuMs }) => cpuMs)),
    range(spreadBy(periods, requestsOf)),
    range(spreadBy(periods, ({ events }) => events)),
  ]);
  return [['what', 'until the metric, ms', 'processor time, ms', 'requests', 'Events'], ...rows];
}

function targetTable({ effort, run }: AuditorResults): Table {
  const verdict = (isMet: boolean): string => (isMet ? 'met' : 'NOT MET');
  const peak = run.peakBytes / mebibyte;
  const mean = run.listBytes / run.pods;
  const changed = spreadBy([...run.labelled, ...run.unlabelled], ({ cpuMs }) => cpuMs).most;
  const whole = spreadBy(run.first, ({ cpuMs }) => cpuMs).median;
  const share = changed / whole;
  const rest = run.rest.cpuMs / run.rest.ms;
  const cpu = shareOf(run.first, run.plain, 'cpuMs').median;
  const events = Math.max(run.start.events, run.rest.events, run.anew.events);
  return [
    ['target', 'found', ''],
    [
      `less than ${memoryLimit} MiB resident, ${write(run.pods)} pods of ${write(mean / 1_024)} KiB`,
      `${write(peak)} MiB`,
      verdict(peak < memoryLimit),
    ],
    ['first look: at most 3 times the processor time of the official client', `× ${cpu.toFixed(2)}`, verdict(cpu <= 3)],
    [
      `one namespace of ${effort.labelled + effort.unlabelled} changes: at most a tenth of the processor time of a first look`,
      `× ${share.toFixed(2)}`,
      verdict(share <= 0.1),
    ],
    ['at rest: at most 2 % of a processor', `${(rest * 100).toFixed(2)} %`, verdict(rest <= 0.02)],
    ['Events at once, whatever is found: at most 20, and one every 3 s', write(events), verdict(events <= 21)],
  ];
}

function introduction({ effort, run, machine }: AuditorResults): string {
  const namespaces = effort.labelled + effort.unlabelled;
  return `${auditorTitle}

What \`sidecar-injector audit\` costs in a cluster of ${write(run.pods)} pods: ${namespaces} namespaces with ${effort.owners} Deployments each, of which each has
${effort.pods} pods. ${effort.labelled} namespaces have the label; the pods there are the typical one as the injector injects it, but those of ${effort.missed} Deployments
were missed. A list of all pods is ${write(run.listBytes / mebibyte)} MiB of JSON. kube-apiserver and etcd are real; there are no nodes, so nothing runs and no pod
changes. The auditor is the bundle, started as the image does, with the rights of the shipped ServiceAccount. The yardstick is a
program that reads the same pods in the same pages of 100 with the official client (\`@kubernetes/client-node\`), keeps nothing and ends; both are
processes of their own and run in turn, ${effort.rounds} times. Shares compare two neighbouring runs: median, least and most. The namespaces
whose label changes (${effort.changes}) have ${effort.owners * effort.pods} pods each; the metric is asked for every 250 ms, which is part of the processor time, as are
2 s after it. Requests are those of the API server's audit log, without the election's. Everything runs on the same ${machine.cores} cores
(${machine.processor}). Measured on ${machine.date}; the average load of the minute before was ${machine.load.toFixed(2)}.`;
}

const meaning = `- What is kept of a pod is a small record; pages are judged as they come, so memory does not grow with the size of pods.
- When settings or the registration change, all pods are read and judged anew; when a namespace changes, its own pods are.
- How long a change takes until it is seen is bounded from below by the pace of looking: 2 s, and after a look ten times as
  long as it took.
- Events have a pace of 20 at once and then one every 3 s; what still holds is told later.`;

/** The part of the page, and its tables for a terminal. */
export function writeAuditorSection(results: AuditorResults): Section {
  const tables = [
    ['Targets of the auditor', targetTable(results)],
    ['The first look', lookTable(results.run)],
    ['Changes and rest', periodTable(results.run)],
  ] as const;
  const parts = tables.map(([title, table]) => `### ${title}\n\n${markdownTable(table)}`);
  return {
    markdown: `${[introduction(results), ...parts, `### What the figures of the auditor mean\n\n${meaning}`].join('\n\n')}\n`,
    summary: tables.map(([title, table]) => `${title}\n${plainTable(table)}`).join('\n\n'),
  };
}

/** The part of the page of a machine that cannot measure it. */
export function auditorNotRun(needs: string): Section {
  return {
    markdown: `${auditorTitle}\n\nNot run: it needs ${needs}.\n`,
    summary: `auditor: not run, it needs ${needs}`,
  };
}
