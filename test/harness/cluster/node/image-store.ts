import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { read, run } from '../../tools/command.ts';
import { imageStore, type Place } from './place.ts';

/**
 * Makes the folder that containerd stacks its layers in. Overlays cannot be stacked on an overlay, which is what a
 * container's own root file system is: there the store lies in memory.
 */
export async function prepareImageStore(place: Place): Promise<void> {
  const store = imageStore(place);
  await mkdir(store, { recursive: true });
  if (await takesOverlays(store)) return;
  if ((await run(['mount', '-t', 'tmpfs', 'tmpfs', store])) !== 0) {
    throw new Error(`${store} takes no overlay, and no memory can be mounted there`);
  }
}

async function takesOverlays(folder: string): Promise<boolean> {
  const trial = await mkdtemp(path.join(folder, 'trial-'));
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => path.join(trial, name));
  try {
    for (const one of [lower, upper, work, merged]) await mkdir(one ?? '');
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    if ((await read(['mount', '-t', 'overlay', 'overlay', '-o', options, merged ?? ''])) === undefined) return false;
    await read(['umount', merged ?? '']);
    return true;
  } finally {
    await rm(trial, { recursive: true, force: true });
  }
}
