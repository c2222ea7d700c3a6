import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { read } from '../../tools/command.ts';
import { runFolders, type Place } from './place.ts';

/** Settings of the whole machine that a kubelet changes. */
const settings = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops'];
const settingsFile = path.join(runFolders, 'machine-settings.json');
const cgroups = '/sys/fs/cgroup';

/** Notes the machine's settings, unless a cluster that runs has changed them already. */
export async function keepMachineSettings(): Promise<void> {
  if (existsSync(settingsFile)) return;
  const values: Record<string, string> = {};
  for (const name of settings) values[name] = await readFile(path.join('/proc/sys', name), 'utf8');
  await mkdir(runFolders, { recursive: true });
  await writeFile(settingsFile, JSON.stringify(values));
}

/** Puts them back when the last cluster has gone. */
export async function restoreMachineSettings(): Promise<void> {
  const left = await readdir(runFolders, { withFileTypes: true }).catch(() => []);
  if (left.some((entry) => entry.isDirectory()) || !existsSync(settingsFile)) return;
  const values = JSON.parse(await readFile(settingsFile, 'utf8')) as Record<string, string>;
  for (const [name, value] of Object.entries(values)) {
    await writeFile(path.join('/proc/sys', name), value);
  }
  await rm(settingsFile);
}

/** Makes the cgroup that all pods are in, in every hierarchy of version 1 or in the one of version 2. */
export async function createCgroup({ name }: Place): Promise<void> {
  for (const hierarchy of await listHierarchies()) {
    const folder = path.join(hierarchy, name);
    await mkdir(folder, { recursive: true });
    // Version 1 leaves these two empty, and an empty set takes no process.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const parent = path.join(hierarchy, file);
      if (existsSync(parent)) await writeFile(path.join(folder, file), await readFile(parent, 'utf8'));
    }
    for (const parent of [hierarchy, folder]) await delegateControllers(parent);
  }
}

/** Ends the processes that are left in it and removes it. */
export async function removeCgroup({ name }: Place): Promise<void> {
  // Where both versions are mounted, the runtime uses the second one too.
  for (const hierarchy of [...(await listHierarchies()), path.join(cgroups, 'unified')]) {
    const folder = path.join(hierarchy, name);
    if (!existsSync(folder)) continue;
    const folders = ((await read(['find', folder, '-depth', '-type', 'd'])) ?? folder).split('\n');
    for (const one of folders) await killMembers(one);
    // A dead process leaves its cgroup a moment later.
    for (let round = 0; round < 50 && existsSync(folder); round += 1) {
      for (const one of folders) await rmdir(one).catch(() => undefined);
      if (existsSync(folder)) await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function killMembers(folder: string): Promise<void> {
  const members = await readFile(path.join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  for (const pid of members.split('\n')) if (pid !== '') await read(['kill', '-KILL', pid]);
}

/** Version 2 gives a folder's children only the controllers that are named there. */
async function delegateControllers(folder: string): Promise<void> {
  const available = await readFile(path.join(folder, 'cgroup.controllers'), 'utf8').catch(() => '');
  const names = available
    .trim()
    .split(' ')
    .filter((name) => name !== '');
  if (names.length === 0) return;
  await writeFile(path.join(folder, 'cgroup.subtree_control'), names.map((name) => `+${name}`).join(' '));
}

async function listHierarchies(): Promise<readonly string[]> {
  if (existsSync(path.join(cgroups, 'cgroup.controllers'))) return [cgroups];
  const entries = await readdir(cgroups, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory() && entry.name !== 'unified');
  return folders.map((entry) => path.join(cgroups, entry.name));
}
