// bench.ts [--quick] [--only=webhook|overload|command-line|dataplane|mesh|auditor]   measures, prints the tables, writes its parts of docs/benchmarks.md
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readArguments } from './bench/arguments.ts';
import { benchAuditor } from './bench/auditor.ts';
import { benchCommandLine } from './bench/command-line.ts';
import { benchDataplane } from './bench/dataplane.ts';
import type { Effort } from './bench/effort.ts';
import { benchMesh } from './bench/mesh.ts';
import { benchOverload } from './bench/overload.ts';
import { replaceParts } from './bench/page-parts.ts';
import { benchWebhook } from './bench/webhook.ts';
import { root } from './checkout.ts';

const page = path.join(root, 'docs/benchmarks.md');
const parts = {
  webhook: benchWebhook,
  overload: benchOverload,
  'command-line': benchCommandLine,
  dataplane: benchDataplane,
  mesh: benchMesh,
  auditor: benchAuditor,
};
type BenchName = keyof typeof parts;
const benchNames = Object.keys(parts) as BenchName[];

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function bench(effort: Effort, chosen: readonly BenchName[]): Promise<void> {
  const measured: Partial<Record<BenchName, string>> = {};
  for (const name of chosen) {
    const section = await parts[name](effort, say);
    measured[name] = section.markdown;
    say(`\n${section.summary}\n`);
  }
  if (effort.name === 'full') {
    await writeFile(page, replaceParts(await readFile(page, 'utf8'), measured));
    say(`${path.relative(process.cwd(), page)} is written.`);
  } else {
    say('A quick run: the figures are rough, docs/benchmarks.md stays as it is.');
  }
}

const choice = readArguments(process.argv.slice(2), benchNames);
if (typeof choice === 'string') {
  process.stderr.write(`${choice}\n`);
  process.exit(2);
}
await bench(choice.effort, choice.parts);
