import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { say } from '../../tools/tool.ts';
import { runFolders, type Place } from './place.ts';
import { isAlive, markProcess, type ProcessMark } from './process.ts';

const limitMs = 15 * 60_000;

/** Waits until no other process uses the place, and takes it; the answer gives it back. A dead owner does not count. */
export async function claimPlace({ name }: Place): Promise<() => Promise<void>> {
  const file = path.join(runFolders, `${name}.owner`);
  await mkdir(runFolders, { recursive: true });
  const end = Date.now() + limitMs;
  let told = false;
  for (;;) {
    try {
      await writeFile(file, JSON.stringify(markProcess(process.pid)), { flag: 'wx' });
      return () => rm(file, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const owner = await readOwner(file);
    if (owner === undefined || !isAlive(owner)) {
      await rm(file, { force: true });
      continue;
    }
    if (Date.now() > end) throw new Error(`process ${owner.pid} has used the cluster ${name} for too long`);
    if (!told) say(`waiting for process ${owner.pid}, which uses the cluster ${name}`);
    told = true;
    await pause(1000);
  }
}

async function readOwner(file: string): Promise<ProcessMark | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ProcessMark;
  } catch {
    return undefined;
  }
}
