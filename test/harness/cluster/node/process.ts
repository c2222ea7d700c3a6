import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from '../../tools/command.ts';
import { insideNetwork, type Place } from './place.ts';

/** A process, told apart from a later one with the same number by its start time. */
export interface ProcessMark {
  readonly pid: number;
  /** In clock ticks since the machine's start, as text. */
  readonly started: string;
}

/** Starts a program in the cluster's network; it lives on when this process ends. Its pid and log get its name. */
export async function startProcess(place: Place, name: string, command: Command): Promise<void> {
  const log = openSync(path.join(place.folder, 'log', `${name}.log`), 'a');
  const [program, ...args] = [...insideNetwork(place), ...command] as const;
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  await new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  child.unref();
  await writeFile(markFile(place, name), JSON.stringify(markProcess(child.pid ?? 0)));
}

/** The mark of a running process, or `undefined` when there is none with this number. */
export function markProcess(pid: number): ProcessMark | undefined {
  try {
    // The name in parentheses may hold blanks; what follows may not. The state is first, the start time the 20th.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const [state = 'Z'] = fields;
    return state === 'Z' ? undefined : { pid, started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

/** Whether the very process of the mark runs. */
export function isAlive(mark: ProcessMark): boolean {
  return markProcess(mark.pid)?.started === mark.started;
}

/** The process that was started with the name, if it still runs. */
export async function findProcess(place: Place, name: string): Promise<ProcessMark | undefined> {
  const text = await readFile(markFile(place, name), 'utf8').catch(() => 'null');
  const mark = JSON.parse(text === '' ? 'null' : text) as ProcessMark | null;
  return mark !== null && isAlive(mark) ? mark : undefined;
}

/** Names of what was started and not yet stopped. */
export async function listProcesses(place: Place): Promise<readonly string[]> {
  const files = await readdir(place.runFolder).catch(() => []);
  return files.filter((file) => file.endsWith('.pid')).map((file) => file.slice(0, -'.pid'.length));
}

/** Ends what was started with the name, with SIGKILL if it does not go within ten seconds. */
export async function stopProcess(place: Place, name: string, signal: NodeJS.Signals): Promise<void> {
  const mark = await findProcess(place, name);
  if (mark !== undefined) await endProcess(mark, signal);
  await rm(markFile(place, name), { force: true });
}

async function endProcess(mark: ProcessMark, signal: NodeJS.Signals): Promise<void> {
  send(mark, signal);
  const killAt = Date.now() + 10_000;
  while (isAlive(mark)) {
    if (Date.now() > killAt) send(mark, 'SIGKILL');
    await pause(20);
  }
}

function send({ pid }: ProcessMark, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended by itself.
  }
}

function markFile(place: Place, name: string): string {
  return path.join(place.runFolder, `${name}.pid`);
}
