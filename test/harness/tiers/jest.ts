import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import { run } from '../tools/command.ts';
import { countTests, countTries, filesToTryAgain, jestReport, type JestRun } from './jest-report.ts';
import type { Environment, Outcome } from './tier.ts';

/** A tier that takes longer is stopped. */
const limitMs = 20 * 60_000;
/** How long Jest may live on after its report; a test that left something open keeps it alive for ever. */
const graceMs = 20_000;

/**
 * Runs one of Jest's projects; its progress goes to this process's output. With `secondTry` the files that failed are run
 * once more, one after the other.
 */
export async function runJest(tier: string, environment: Environment): Promise<Outcome> {
  const first = await runProject(tier, environment);
  const files = environment.secondTry ? filesToTryAgain(first) : [];
  if (files.length === 0) return countTests(first);
  process.stdout.write(`\n==> ${tier}, second try: ${files.map((file) => path.relative(root, file)).join(', ')}\n`);
  const second = await runProject(tier, { ...environment, arguments: ['--runInBand', '--runTestsByPath', ...files] });
  return countTries(first, second);
}

async function runProject(tier: string, environment: Environment): Promise<JestRun> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-report-'));
  const file = path.join(folder, 'report.json');
  const hanging = new AbortController();
  let lateness: NodeJS.Timeout | undefined;
  const watch = setInterval(() => {
    if (!existsSync(file)) return;
    clearInterval(watch);
    lateness = setTimeout(() => hanging.abort(), graceMs);
  }, 1000);
  const signal = AbortSignal.any([hanging.signal, AbortSignal.timeout(limitMs)]);
  try {
    const jest = ['jest', '--selectProjects', tier, '--passWithNoTests', '--json', '--outputFile', file];
    const [program = '', ...words] = [...(environment.within ?? []), ...jest, ...environment.arguments];
    const exitCode = await run([program, ...words], {
      cwd: root,
      signal,
      env: { ...environment.env, NODE_OPTIONS: '--experimental-vm-modules --disable-warning=ExperimentalWarning' },
    });
    const report = await readFile(file, 'utf8').then(
      (text) => jestReport.parse(JSON.parse(text)),
      () => undefined,
    );
    if (!signal.aborted) return { report, exitCode };
    const stopped = hanging.signal.aborted ? 'did not end after its last test' : `took over ${limitMs / 60_000} min`;
    return { report, exitCode, stopped };
  } finally {
    clearInterval(watch);
    clearTimeout(lateness);
    await rm(folder, { recursive: true, force: true });
  }
}
