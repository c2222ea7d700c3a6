// bench.ts [--quick] [--only=webhook|command-line|dataplane]   measures, prints the tables, writes its parts of docs/benchmarks.md
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { benchCommandLine } from './bench/command-line.ts';
import { benchDataplane } from './bench/dataplane.ts';
import { full, quick, type Effort } from './bench/effort.ts';
import { replaceParts } from './bench/page-parts.ts';
import { benchWebhook } from './bench/webhook.ts';
import { root } from './checkout.ts';

const page = path.join(root, 'docs/benchmarks.md');
const parts = { webhook: benchWebhook, 'command-line': benchCommandLine, dataplane: benchDataplane };
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

const only = process.argv.find((word) => word.startsWith('--only='))?.slice('--only='.length);
const chosen = benchNames.filter((name) => only === undefined || name === only);
if (chosen.length === 0) {
  process.stderr.write(`--only=${only}: allowed are ${benchNames.join(', ')}\n`);
  process.exit(2);
}
await bench(process.argv.includes('--quick') ? quick : full, chosen);
