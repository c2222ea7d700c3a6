import { z } from 'zod';
import { nodeTitle } from './page-parts.ts';

/** What a scenario of the node found: a line of the file that `CLUSTER_FINDINGS` names. */
export const finding = z.object({ name: z.string(), figures: z.record(z.string(), z.unknown()) });
/** One of them. */
export type Finding = z.infer<typeof finding>;

/** The part of the page that tells these findings; `machine` is a line about where. */
export function renderNodeSection(findings: readonly Finding[], machine: string): string {
  const rows = (title: string, columns: readonly string[], pattern: RegExp): string[] => {
    const found = findings.filter(({ name }) => pattern.test(name));
    if (found.length === 0) return [];
    const cells = (values: readonly string[]) => `| ${values.join(' | ')} |`;
    const lines = found.map(({ name, figures }) => cells([name, ...columns.map((column) => show(figures[column]))]));
    return [
      '',
      `### ${title}`,
      '',
      cells(['scenario', ...columns]),
      cells(['', ...columns].map(() => '---')),
      ...lines,
    ];
  };
  return [
    nodeTitle,
    '',
    'Measured by the scenarios of `test/cluster` on one node with everything on it: control plane, kubelet, containers, client',
    'and server share the processors. The kubelet measured what containers use; times to recover are from the fault to the',
    'moment that all is ready again. Refused pods are tried again by their controllers. Requests under load are sent for some',
    '35 seconds.',
    '',
    `- ${machine}`,
    ...rows('What it uses', ['millicores', 'mebibytes', 'createdPerSecond', 'sent'], /^(both replicas|Envoy)/),
    ...rows('Latency of a request, milliseconds', ['p50Ms', 'p90Ms', 'p99Ms', 'sent'], /^latency/),
    ...rows('Time to recover, milliseconds', ['recoveredMs', 'refusedForMs', 'bare'], / (killed|deleted)/),
    ...rows('A node that lost power, milliseconds', ['nodeMs', 'injectorMs', 'applicationMs'], /^node restarted/),
    ...rows('Pods created meanwhile', ['created', 'refused', 'bare'], /^(rollout|rotation|drain|upgrade and back)/),
    ...rows('Requests while a killed Envoy is restarted', ['throughProxy', 'past', 'failed'], /^crash/),
    ...rows('An application that changes over under load', ['sent', 'outcomes'], /^change-over/),
  ].join('\n');
}

function show(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : JSON.stringify(value);
  const entries = Object.entries(value);
  return entries.length === 0 ? 'none' : entries.map(([name, count]) => `${name}: ${String(count)}`).join(', ');
}
