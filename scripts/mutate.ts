// mutate.ts [FILE...]   takes protections out one by one, in a copy of the checkout, and looks whether a test notices
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { edits } from '../test/mutations/table.ts';
import type { Edit } from '../test/mutations/edit.ts';
import { root } from './checkout.ts';
import { runTests, type Colour } from './mutate/run.ts';
import { applyEdit, makeScratch, type Scratch } from './mutate/scratch.ts';
import { tierOf } from './mutate/tier.ts';

const help = `mutate.ts [FILE...]

Makes each edit of test/mutations/ in a copy of the checkout and runs the tests that have to notice. With a FILE or a
folder, only the edits of these. Ends with 1 when a test missed one, or an edit does not fit its file any more.
`;

/** How an edit ended, and whether that is well. */
const verdicts: Readonly<Record<Colour, readonly [word: string, isWell: boolean]>> = {
  red: ['caught', true],
  stuck: ['caught, by a test that no longer ends', true],
  green: ['SURVIVED', false],
  broken: ['NOT TESTED: no test could run', false],
};

const wanted = process.argv.slice(2);
if (wanted.includes('--help') || wanted.includes('-h')) {
  process.stdout.write(help);
  process.exit(0);
}
const isWanted = ({ file }: Edit): boolean =>
  wanted.length === 0 || wanted.map(relative).some((one) => file === one || file.startsWith(`${one}/`));
const chosen = edits.filter(isWanted);
if (chosen.length === 0) {
  process.stderr.write(`no edit is for ${wanted.join(', ')}; files with edits:\n`);
  process.stderr.write(`${[...new Set(edits.map(({ file }) => `  ${file}`))].toSorted().join('\n')}\n`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
process.exitCode = await mutate(chosen);

/** From the checkout's root, whatever the caller's folder is. */
function relative(argument: string): string {
  return path.relative(root, path.resolve(argument));
}

async function mutate(all: readonly Edit[]): Promise<number> {
  const unfit = await findUnfit(all);
  for (const { file, protects } of unfit) process.stderr.write(`does not apply: ${file}: ${protects}\n`);
  if (unfit.length > 0) return 1;
  const scratch = await makeScratch();
  try {
    const sick = await findSick(scratch, all);
    for (const name of sick) process.stderr.write(`not all green without any edit: ${name}\n`);
    return sick.length > 0 ? 1 : await takeOut(scratch, all);
  } finally {
    await scratch.remove();
  }
}

async function findUnfit(all: readonly Edit[]): Promise<readonly Edit[]> {
  const fits = await Promise.all(
    all.map(async (edit) => applyEdit(await readFile(path.join(root, edit.file), 'utf8'), edit) !== undefined),
  );
  return all.filter((_edit, at) => fits[at] === false);
}

/** Tests that would fail anyway tell nothing. Those of one tier run together, but for the ones that are chosen by name. */
async function findSick(scratch: Scratch, all: readonly Edit[]): Promise<readonly string[]> {
  const groups = new Map<string, { readonly files: Set<string>; readonly only: string | undefined }>();
  for (const { tests, only } of all) {
    const key = only === undefined ? tierOf(tests[0] ?? '') : `${tests.join(' ')}, ${only}`;
    const group = groups.get(key) ?? { files: new Set<string>(), only };
    groups.set(key, group);
    for (const file of tests) group.files.add(file);
  }
  const sick: string[] = [];
  for (const [key, { files, only }] of groups) {
    process.stdout.write(`without an edit: ${key}\n`);
    if ((await runTests(scratch.folder, [...files], only)) !== 'green') sick.push(key);
  }
  return sick;
}

async function takeOut(scratch: Scratch, all: readonly Edit[]): Promise<number> {
  const startMs = Date.now();
  const missed: string[] = [];
  for (const [at, edit] of all.entries()) {
    const beganMs = Date.now();
    const colour = await scratch.withEdit(edit, () => runTests(scratch.folder, edit.tests, edit.only));
    const [word, isWell] = verdicts[colour];
    const line = `${edit.file}: ${edit.protects}`;
    if (!isWell) missed.push(`${word}: ${line} (${edit.tests.join(', ')})`);
    process.stdout.write(`[${at + 1}/${all.length}] ${word}, ${secondsSince(beganMs)}: ${line}\n`);
  }
  process.stdout.write(`\n${missed.map((line) => `${line}\n`).join('')}`);
  process.stdout.write(`${all.length - missed.length} of ${all.length} caught, ${secondsSince(startMs)}\n`);
  return missed.length === 0 ? 0 : 1;
}

function secondsSince(startMs: number): string {
  return `${Math.round((Date.now() - startMs) / 1000)} s`;
}
