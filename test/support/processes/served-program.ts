import { execFile } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import { startProgram, type BackgroundProgram } from './background-program.ts';
import type { Target } from '../http/https-client.ts';
import type { LogLine } from './injector-process.ts';
import { until } from '../waiting.ts';

// The same tests can be run with the bundle that goes into the image.
const program = process.env['INJECTOR_PROGRAM'] ?? path.join(root, 'bin/sidecar-injector.mjs');

// Jest's own options would reach the program otherwise.
const env = { ...process.env, NODE_OPTIONS: '' };

/** `serve` as a process of its own, with a development certificate. */
export interface ServedProgram extends BackgroundProgram, Target {
  readonly metricsPort: number;
  readLines(): Promise<readonly LogLine[]>;
  /** Waits for the first line with this message that is not among those seen before. */
  logged(message: string, among?: (line: LogLine) => boolean): Promise<LogLine>;
}

export interface ServedOptions {
  /** Where its log and its CA certificate go. */
  readonly folder: string;
  /** Further arguments of `serve`; a later one wins. */
  readonly arguments?: readonly string[];
  /** Shell commands to run first in the same process, such as `ulimit -n 64`. */
  readonly before?: string;
}

/** Starts the program and waits until it listens on both ports. */
export async function startServing(options: ServedOptions): Promise<ServedProgram> {
  const folder = await mkdtemp(path.join(options.folder, 'serve-'));
  const caFile = path.join(folder, 'ca.pem');
  const serve = [
    process.execPath,
    program,
    'serve',
    `--dev-certs=${caFile}`,
    '--listen=127.0.0.1:0',
    '--metrics-listen=127.0.0.1:0',
    '--drain-seconds=0',
    ...(options.arguments ?? []),
  ];
  const command = ['/bin/sh', '-c', `${options.before ?? ':'}; exec "$@"`, 'sh', ...serve] as const;
  const started = startProgram('sidecar-injector', command, { logFile: path.join(folder, 'log'), env });
  // The last piece is a line that is still being written, or nothing.
  const readLines = async () => (await started.readLog()).split('\n').slice(0, -1).flatMap(readLine);
  const logged = (message: string, among: (line: LogLine) => boolean = () => true) =>
    until(`a log line "${message}"`, async () => {
      const line = (await readLines()).find((candidate) => candidate.msg === message && among(candidate));
      if (line === undefined && !started.isRunning()) throw new Error(`it ended:\n${await started.readLog()}`);
      return line;
    });
  const [listening, metrics] = [await logged('listening'), await logged('metrics listening')];
  return {
    ...started,
    port: Number(listening['port']),
    metricsPort: Number(metrics['port']),
    ca: await readFile(caFile, 'utf8'),
    readLines,
    logged,
  };
}

function readLine(text: string): LogLine[] {
  return text.startsWith('{') ? [JSON.parse(text) as LogLine] : [];
}

/** How a run of the program ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end; for commands that fail. It is killed after 20 s, which gives the code null. */
export function runProgram(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const limits = { env, timeout: 20_000, killSignal: 'SIGKILL' as const };
    const child = execFile(process.execPath, [program, ...args], limits, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
