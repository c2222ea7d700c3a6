import { mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import { startProgram, type BackgroundProgram } from './background-program.ts';
import { until } from '../waiting.ts';

/** One line of the program's log. */
export interface LogLine {
  readonly msg: string;
  readonly level?: unknown;
  readonly [field: string]: unknown;
}

/** A replica of our program, as a real process. */
export interface InjectorProcess extends BackgroundProgram {
  /** Port of 127.0.0.1 that serves admission. */
  readonly port: number;
  /** The log's lines so far that are JSON objects. */
  readLines(): Promise<readonly LogLine[]>;
}

/** How to start it. */
export interface InjectorOptions {
  /** Where its log goes. */
  readonly folder: string;
  /** Where its certificate comes from: the cluster of a kubeconfig, or files that hold certificate and key. */
  readonly certificate: { readonly kubeconfig: string } | { readonly files: readonly [string, string] };
  /** 0 lets the system choose. */
  readonly port: number;
  /** Further arguments of `serve`. */
  readonly arguments?: readonly string[];
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts `serve` with the arguments that the shipped Deployment has, and waits until it listens. */
export async function startInjector(options: InjectorOptions): Promise<InjectorProcess> {
  // The same tests can be run with the bundle that goes into the image.
  const program = process.env['INJECTOR_PROGRAM'] ?? path.join(root, 'bin/sidecar-injector.mjs');
  const folder = await mkdtemp(path.join(options.folder, 'injector-'));
  const command = [
    process.execPath,
    program,
    'serve',
    ...certificateFlags(options.certificate),
    `--settings=${path.join(root, 'deploy/base/settings.yaml')}`,
    `--listen=127.0.0.1:${options.port}`,
    '--metrics-listen=127.0.0.1:0',
    '--drain-seconds=0',
    ...(options.arguments ?? []),
  ] as const;
  // Jest's own options would reach the program otherwise.
  const env = { ...process.env, NODE_OPTIONS: '', ...options.env };
  const started = startProgram('sidecar-injector', command, { logFile: path.join(folder, 'log'), env });
  // The last piece is a line that is still being written, or nothing.
  const readLines = async () => (await started.readLog()).split('\n').slice(0, -1).flatMap(parseLine);
  const port = await until('the injector listens', async () => {
    if (!started.isRunning()) throw new Error(`the injector ended:\n${await started.readLog()}`);
    const line = (await readLines()).find(({ msg }) => msg === 'listening');
    return line === undefined ? undefined : Number(line['port']);
  });
  return { ...started, port, readLines };
}

function certificateFlags(certificate: InjectorOptions['certificate']): readonly string[] {
  if ('kubeconfig' in certificate) return ['--self-managed-certs', `--kubeconfig=${certificate.kubeconfig}`];
  const [file, keyFile] = certificate.files;
  return [`--tls-cert-file=${file}`, `--tls-private-key-file=${keyFile}`];
}

function parseLine(text: string): readonly LogLine[] {
  if (!text.startsWith('{')) return [];
  const line: LogLine = JSON.parse(text);
  return [line];
}
