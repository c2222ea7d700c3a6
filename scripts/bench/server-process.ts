import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../checkout.ts';

/** What a process has used since it started. */
interface Usage {
  /** Of all its threads, user and system time. */
  readonly cpuMicros: number;
  readonly rssBytes: number;
  /** The most that it ever had. */
  readonly peakRssBytes: number;
}

/** A server in a process of its own. */
export interface ServerProcess {
  readonly port: number;
  /** The CA that signed its certificate, PEM. */
  readonly ca: string;
  usage(): Promise<Usage>;
  stop(): Promise<void>;
}

const patienceMs = 20_000;
const reporter = path.join(import.meta.dirname, 'usage-reporter.mjs');

interface LogLine {
  readonly msg?: unknown;
  readonly port?: unknown;
}

function portIn(log: string): number | undefined {
  for (const text of log.split('\n').slice(0, -1)) {
    if (!text.startsWith('{')) continue;
    const line = JSON.parse(text) as LogLine;
    if (line.msg === 'listening') return Number(line.port);
  }
  return undefined;
}

async function waitForPort(child: ChildProcess, logFile: string): Promise<number> {
  const end = performance.now() + patienceMs;
  while (performance.now() < end) {
    const log = await readFile(logFile, 'utf8');
    const port = portIn(log);
    if (port !== undefined) return port;
    if (child.exitCode !== null) throw new Error(`the server ended with exit code ${child.exitCode}:\n${log}`);
    await sleep(5);
  }
  throw new Error(`the server did not listen within ${patienceMs} ms`);
}

async function askUsage(child: ChildProcess): Promise<Usage> {
  const { promise, resolve, reject } = Promise.withResolvers<Usage>();
  child.once('message', (usage) => resolve(usage as unknown as Usage));
  child.send('usage', (error) => error !== null && reject(error));
  return promise;
}

async function start(
  args: readonly string[],
  folder: string,
  caFile: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const logFile = path.join(folder, 'log');
  // A file, because a pipe would cost the measuring process the reading.
  const log = openSync(logFile, 'w');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, ...environment },
  });
  closeSync(log);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    const port = await waitForPort(child, logFile);
    const ca = await readFile(caFile, 'utf8');
    return {
      port,
      ca,
      usage: () => askUsage(child),
      async stop() {
        child.kill();
        await ended;
      },
    };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** How to start the webhook. */
export interface WebhookOptions {
  /** The file that Node runs. */
  readonly program: string;
  /** Options of Node in front of it. */
  readonly nodeOptions: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** How the image runs its Node. */
interface ImageOptions {
  /** Options of Node, from NODE_OPTIONS and the entry point. */
  readonly node: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** Reads them from the Dockerfile's injector stage. */
async function readImageOptions(): Promise<ImageOptions> {
  const text = await readFile(path.join(root, 'Dockerfile'), 'utf8');
  const stage = text.slice(text.indexOf(' AS injector'), text.indexOf(' AS init'));
  const settings = new Map(
    [...(/^ENV (.*)$/gm.exec(stage)?.[1]?.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g) ?? [])].map(
      ([, name = '', quoted, plain]) => [name, quoted ?? plain ?? ''] as const,
    ),
  );
  const [, ...entry] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(stage)?.[1] ?? '[]') as string[];
  const words = [...(settings.get('NODE_OPTIONS')?.split(' ') ?? []), ...entry];
  settings.delete('NODE_OPTIONS');
  return { node: words.filter((word) => word.startsWith('--')), environment: Object.fromEntries(settings) };
}

/** The program from the checkout, as a developer starts it. */
export const fromCheckout: WebhookOptions = {
  program: path.join(root, 'bin/sidecar-injector.mjs'),
  nodeOptions: [],
  environment: {},
};

/** The bundle, with everything that the image gives Node; `scripts/build.ts` must have made it. */
export async function fromImage(): Promise<WebhookOptions> {
  const { node, environment } = await readImageOptions();
  return { program: path.join(root, 'dist/sidecar-injector.mjs'), nodeOptions: node, environment };
}

/** Starts `serve` as a user would, with the built-in settings and the log at its default level. */
export async function startWebhook(parent: string, options: WebhookOptions): Promise<ServerProcess> {
  const folder = await mkdtemp(path.join(parent, 'webhook-'));
  const caFile = path.join(folder, 'ca.pem');
  const { program, nodeOptions, environment } = options;
  const addresses = ['--listen=127.0.0.1:0', '--metrics-listen=127.0.0.1:0'];
  const serve = [program, 'serve', ...addresses, '--drain-seconds=0', `--dev-certs=${caFile}`];
  return start(['--import', reporter, ...nodeOptions, ...serve], folder, caFile, environment);
}

/** Starts the yardstick; it answers with the text of `answerFile`. */
export async function startBareServer(parent: string, answerFile: string): Promise<ServerProcess> {
  const folder = await mkdtemp(path.join(parent, 'bare-'));
  const caFile = path.join(folder, 'ca.pem');
  const program = path.join(import.meta.dirname, 'bare-server.ts');
  return start(['--import', reporter, program, caFile, answerFile], folder, caFile);
}
