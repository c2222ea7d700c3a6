import { podKinds, workloadNames } from './reviews.ts';
import type { WebhookOptions } from './server-process.ts';
import {
  decisionTable,
  latencyTable,
  otherTable,
  processorTable,
  targetTable,
  throughputTable,
  type Results,
} from './results.ts';
import { markdownTable, plainTable } from './table.ts';

function how({ nodeOptions, environment }: WebhookOptions): string {
  return [...Object.entries(environment).map(([name, value]) => `${name}=${value}`), 'node', ...nodeOptions].join(' ');
}

function introduction({ machine, image, connectionCount, effort, seconds }: Results): string {
  const pods = podKinds.map(({ name, what }) => `- **${name}**: ${what}`).join('\n');
  return `# Benchmarks

Written by \`make bench\`; do not edit. What the injector costs, beside what Node.js and Fastify cost without it.

## Machine

- ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}
- Node.js ${machine.node} with OpenSSL ${machine.openssl}; ${machine.packages.join(', ')}
- measured on ${machine.date} in ${Math.round(seconds)} s; the average load of the minute before was ${machine.load.toFixed(2)}

Servers and client share the cores, so what else ran shows in every figure but most in requests per second.

## How it was measured

The yardstick ("bare") is a Fastify server with nothing in it: HTTPS with the same kind of key, the body taken as a
buffer, \`JSON.parse\` of the review, and the same text as answer every time, as long as the webhook's. Both servers are
processes of their own on the loopback interface. The webhook is the bundle of the image, started as the image does
(\`${how(image)}\`), with the built-in settings, and
logs every review to a file as it does by default.

The client holds ${connectionCount} connections to each server and sends the pods of ${workloadNames.length} workloads in turn, to one server
after the other in short rounds. After ${effort.warmUp.toLocaleString('en-US')} reviews and one round that do not count,
${effort.rounds} rounds do. Figures are the median of the rounds, least and most in parentheses; a share compares two
neighbouring rounds. Processor time is that of the server's whole process, its background threads included.

Every pod comes as an API server sends it, with defaults filled in, the token volume, and managedFields:

${pods}`;
}

const meaning = `## What the figures mean

- The difference between the two columns of processor time is what one review costs in the injector itself: policy,
  plan, patch, its verification, answer, log line and metrics. The rest is TLS, HTTP and the reading of JSON, which every
  webhook in this language pays.
- The decision itself does not depend on the number of variables, because the pod is read where it lies and never
  copied. So the share is lowest for small pods, and large pods cost what their JSON costs.
- Pods of one revision of a controller differ in nothing that a decision depends on. From the second one on, a pod is
  compared with the last one, and when it is alike it gets the same decision, whose patch was verified on its like. The
  first pod of a workload costs the difference between the two rows of the typical pod under "Decisions in process" more;
  pods with 1,000 variables are not compared, because deciding about them is quicker.
- The items of managedFields are left out before a review is parsed, which is why large pods cost less than the
  yardstick (docs/decisions/managed-fields.md).
- One replica answers far more reviews than a cluster creates pods. A cluster that starts 100 pods a second keeps a
  small part of one core busy.
- Latency is measured at a fixed rate well below saturation: from the moment a request is due until the last byte of its
  answer. The API server's own work is not in it.`;

/** The page, and the same tables for a terminal. */
export function writePage(results: Results): { readonly markdown: string; readonly summary: string } {
  const sections = [
    ['Targets', targetTable(results)],
    ['Requests per second', throughputTable(results)],
    ['Processor time', processorTable(results)],
    ['Latency at a constant rate', latencyTable(results)],
    ['Decisions in process', decisionTable(results)],
    ['Start, memory, sizes', otherTable(results)],
  ] as const;
  const tables = sections.map(([title, table]) => `## ${title}\n\n${markdownTable(table)}`);
  return {
    markdown: `${[introduction(results), ...tables, meaning].join('\n\n')}\n`,
    summary: sections.map(([title, table]) => `${title}\n${plainTable(table)}`).join('\n\n'),
  };
}
