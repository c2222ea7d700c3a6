// node-figures.ts FILE   writes what the scenarios of the node found (JSON lines) into docs/benchmarks.md
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import path from 'node:path';
import { finding, renderNodeSection } from './bench/node-section.ts';
import { replaceParts } from './bench/page-parts.ts';
import { root } from './checkout.ts';

const [file] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('which file? usage: node-figures.ts FILE\n');
  process.exit(2);
}
const lines = (await readFile(file, 'utf8')).trim().split('\n');
const findings = lines.map((line) => finding.parse(JSON.parse(line)));
const page = path.join(root, 'docs/benchmarks.md');
const gib = Math.round(totalmem() / 2 ** 30);
const day = new Date().toISOString().slice(0, 10);
// The scenarios take a quarter of an hour or so.
const load = (loadavg()[2] ?? 0).toFixed(1);
const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} processors, ${gib} GiB, Linux ${release()}, ${day}; average load of these 15 minutes: ${load}`;
const node = renderNodeSection(findings, machine);
await writeFile(page, replaceParts(await readFile(page, 'utf8'), { node }));
