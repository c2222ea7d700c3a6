import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../checkout.ts';
import { run } from '../../test/harness/tools/command.ts';
import { writeManifests } from './command-line/manifests.ts';
import type { Effort } from './effort.ts';
import { describeMachine } from './machine.ts';
import { commandLineTitle, type Section } from './page-parts.ts';
import { spreadOf, type Spread } from './statistics.ts';
import { markdownTable, plainTable, type Table } from './table.ts';

const manifests = 1_000;

/** One run of a program, from its start to its end. */
interface Run {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly mostBytes: number;
  readonly output: string;
}

const usageAtExit = path.join(import.meta.dirname, 'command-line/usage-at-exit.mjs');

/** Runs Node with the arguments; what it prints goes into a file, because a pipe would cost this process the reading. */
async function runOnce(folder: string, args: readonly string[]): Promise<Run> {
  const [usageFile, outputFile, remarksFile] = ['usage.json', 'output', 'remarks'].map((name) =>
    path.join(folder, name),
  ) as [string, string, string];
  const [output, remarks] = [openSync(outputFile, 'w'), openSync(remarksFile, 'w')];
  const startMs = performance.now();
  const child = spawn(process.execPath, ['--import', usageAtExit, ...args], {
    stdio: ['ignore', output, remarks],
    env: { ...process.env, USAGE_FILE: usageFile },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  const wallMs = performance.now() - startMs;
  closeSync(output);
  closeSync(remarks);
  if (code !== 0) {
    const said = (await readFile(remarksFile, 'utf8')).slice(-1_000);
    throw new Error(`node ${args.join(' ')} ended with exit code ${code}: ${said}`);
  }
  const usage = JSON.parse(await readFile(usageFile, 'utf8')) as { cpuMicros: number; mostBytes: number };
  return {
    wallMs,
    cpuMs: usage.cpuMicros / 1_000,
    mostBytes: usage.mostBytes,
    output: await readFile(outputFile, 'utf8'),
  };
}

interface Program {
  readonly what: string;
  readonly args: readonly string[];
}

function programsOf(folder: string): { readonly yardstick: Program; readonly others: readonly Program[] } {
  const bundle = path.join(root, 'dist/sidecar-injector.mjs');
  return {
    yardstick: {
      what: 'read and print with the `yaml` library alone',
      args: [path.join(import.meta.dirname, 'command-line/plain-yaml.mjs'), folder],
    },
    others: [
      { what: '`inject -f FOLDER`', args: [bundle, 'inject', '-f', folder] },
      { what: '`inject -f FOLDER --summary`', args: [bundle, 'inject', '-f', folder, '--summary'] },
      { what: '`version`: the start of the program', args: [bundle, 'version'] },
    ],
  };
}

function expectInjected({ output }: Run): void {
  const found = output.match(/name: istio-proxy$/gm)?.length ?? 0;
  if (found < manifests) throw new Error(`inject: only ${found} of ${manifests} manifests were injected`);
}

/** Figures of one program; shares compare with the yardstick's run just before. */
interface Figures {
  readonly what: string;
  readonly wallMs: Spread;
  readonly cpuMs: Spread;
  readonly share: Spread | undefined;
  readonly mostBytes: number;
}

function figuresOf(what: string, runs: readonly Run[], yardstick?: readonly Run[]): Figures {
  const shares = yardstick?.map(({ cpuMs }, round) => (runs[round]?.cpuMs ?? Number.NaN) / cpuMs);
  return {
    what,
    wallMs: spreadOf(runs.map(({ wallMs }) => wallMs)),
    cpuMs: spreadOf(runs.map(({ cpuMs }) => cpuMs)),
    share: shares === undefined ? undefined : spreadOf(shares),
    mostBytes: Math.max(...runs.map(({ mostBytes }) => mostBytes)),
  };
}

async function measure(folder: string, input: string, rounds: number): Promise<readonly Figures[]> {
  const { yardstick, others } = programsOf(input);
  const ofYardstick: Run[] = [];
  const runs = others.map((): Run[] => []);
  for (let round = 0; round < rounds; round++) {
    ofYardstick.push(await runOnce(folder, yardstick.args));
    for (const [index, { args }] of others.entries()) runs[index]?.push(await runOnce(folder, args));
  }
  for (const one of runs[0] ?? []) expectInjected(one);
  return [
    figuresOf(yardstick.what, ofYardstick),
    ...others.map(({ what }, index) => figuresOf(what, runs[index] ?? [], ofYardstick)),
  ];
}

function tableOf(figures: readonly Figures[]): Table {
  const range = ({ median, least, most }: Spread, write: (value: number) => string): string =>
    `${write(median)} (${write(least)} to ${write(most)})`;
  const whole = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });
  const twice = (value: number): string => value.toFixed(2);
  return [
    ['program', 'time, ms', 'processor time, ms', '× yardstick', 'most memory'],
    ...figures.map(({ what, wallMs, cpuMs, share, mostBytes }) => [
      what,
      range(wallMs, whole),
      range(cpuMs, whole),
      share === undefined ? '1' : range(share, twice),
      `${whole(mostBytes / 1_024 ** 2)} MiB`,
    ]),
  ];
}

/** Measures the bundled program over many manifests, beside the reading and printing of the same ones. */
export async function benchCommandLine(effort: Effort, say: (line: string) => void): Promise<Section> {
  const build = [process.execPath, '--disable-warning=ExperimentalWarning', 'scripts/build.ts'] as const;
  if ((await run(build, { cwd: root })) !== 0) throw new Error('the bundle could not be built');
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-bench-'));
  try {
    const machine = describeMachine();
    const input = path.join(folder, 'manifests');
    const { bytes } = await writeManifests(input, manifests);
    say(`${manifests} manifests …`);
    const table = tableOf(await measure(folder, input, effort.starts));
    const size = `${(bytes / 1_024 ** 2).toFixed(1)} MiB`;
    return {
      markdown: `${commandLineTitle}

The bundle over a folder of ${manifests.toLocaleString('en-US')} manifests (${size}): workloads of four kinds and many shapes, most with comments and a
Service. The yardstick reads the same files with comments and layout and prints them, in a process of its own just
before. Times are of whole processes, from their start to their end, ${effort.starts} runs each; processor time, of all threads, is
what the share compares. Measured on ${machine.date}; the average load of the minute before was ${machine.load.toFixed(2)}.

${markdownTable(table)}
`,
      summary: `Command line, ${manifests} manifests\n${plainTable(table)}`,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
