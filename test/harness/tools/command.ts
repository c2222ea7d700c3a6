import { spawn, type ChildProcess } from 'node:child_process';

/** How to start a program. */
export interface CommandOptions {
  readonly cwd?: string;
  /** Added to (or, with `undefined`, taken out of) this process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where both output streams go: a file descriptor, or nowhere; without it they are this process's own. */
  readonly output?: number | 'ignore';
  /** Ends the program early. */
  readonly signal?: AbortSignal;
}

/** What to start: program first, then its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/**
 * Runs a program to its end and answers its exit code; 127 when it cannot be started, 128 when a signal ended it.
 * Started programs are stopped when this process exits.
 */
export async function run([program, ...args]: Command, options: CommandOptions = {}): Promise<number> {
  const output = options.output ?? 'inherit';
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', output, output],
  });
  const stop = () => void child.kill();
  process.once('exit', stop);
  options.signal?.addEventListener('abort', stop, { once: true });
  const code = await waitForEnd(child);
  process.off('exit', stop);
  options.signal?.removeEventListener('abort', stop);
  return code;
}

/** What a program wrote to its standard output, without blank ends, or `undefined` when it is missing or fails. */
export async function read([program, ...args]: Command): Promise<string | undefined> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await waitForEnd(child);
  return code === 0 ? Buffer.concat(chunks).toString('utf8').trim() : undefined;
}

function waitForEnd(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(127));
    child.once('close', (code) => resolve(code ?? 128));
  });
}
