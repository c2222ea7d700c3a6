import { spawn } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** A program that runs beside the tests and writes to a log file. */
export interface BackgroundProgram {
  readonly name: string;
  readonly pid: number | undefined;
  /** Settles with the exit code (null after a signal) when the program has ended. */
  readonly ended: Promise<number | null>;
  isRunning(): boolean;
  /** What it has written so far to both of its output streams. */
  readLog(): Promise<string>;
  /** Sends the signal and waits for the end. */
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

/** Where and how to run it. */
export interface BackgroundOptions {
  readonly logFile: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a program; it is killed at the latest when this process exits. */
export function startProgram(
  name: string,
  command: readonly [string, ...string[]],
  { logFile, env }: BackgroundOptions,
): BackgroundProgram {
  const log = openSync(logFile, 'w');
  const [file, ...args] = command;
  const child = spawn(file, args, { stdio: ['ignore', log, log], env: env ?? process.env });
  closeSync(log);
  let running = true;
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  const ended = new Promise<number | null>((resolve) => {
    const end = (code: number | null) => {
      running = false;
      process.off('exit', kill);
      resolve(code);
    };
    child.once('exit', end);
    child.once('error', () => end(127));
  });
  return {
    name,
    pid: child.pid,
    ended,
    isRunning: () => running,
    readLog: () => readFile(logFile, 'utf8'),
    stop(signal) {
      if (running) child.kill(signal);
      return ended;
    },
  };
}
