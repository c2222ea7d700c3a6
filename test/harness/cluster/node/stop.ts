import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { read } from '../../tools/command.ts';
import { removeCgroup, restoreMachineSettings } from './machine.ts';
import { removeNetwork, removePodNetworks } from './network.ts';
import { imageStore, type Place } from './place.ts';
import { listProcesses, stopProcess } from './process.ts';

const sandboxId = /[0-9a-f]{64}/;

/**
 * Stops a node and removes all traces of it, whatever state it is in: running, half started, or left by a run that was
 * killed. Only what carries its name is touched. Logs stay until the next start.
 */
export async function stopNode(place: Place): Promise<void> {
  await stopComponents(place);
  await read(['umount', '--lazy', imageStore(place)]);
  await removeNetwork(place);
  await rm(place.runFolder, { recursive: true, force: true });
  for (const name of await readdir(place.folder).catch(() => [])) {
    if (name !== 'log') await rm(path.join(place.folder, name), { recursive: true, force: true });
  }
  await restoreMachineSettings();
}

/** Ends everything that runs on the node, as a power cut does, and what that leaves outside of its data. */
export async function stopComponents(place: Place): Promise<void> {
  // After SIGTERM the API server would wait a minute for open watches; the rest of the data is thrown away.
  for (const name of ['kubelet', 'kube-proxy', 'kube-scheduler', 'kube-controller-manager', 'kube-apiserver']) {
    await stopProcess(place, name, name === 'kube-apiserver' ? 'SIGKILL' : 'SIGTERM');
  }
  await removeCgroup(place);
  for (const name of await listProcesses(place)) await stopProcess(place, name, 'SIGTERM');
  await removePodNetworks(place);
  await unmount(place);
  await removeNetworkResults(place);
  await read(['find', '/var/log/containers', '-lname', `${place.folder}/*`, '-delete']);
}

/** The CNI library keeps what it did for every sandbox, the loopback interface under a name that all clusters share. */
async function removeNetworkResults({ name }: Place): Promise<void> {
  const folder = '/var/lib/cni/results';
  const files = await readdir(folder).catch(() => []);
  const ids = files.flatMap((file) => (file.startsWith(`${name}-`) ? [sandboxId.exec(file)?.[0] ?? file] : []));
  const isOurs = (file: string) => file.startsWith(`${name}-`) || file.startsWith('cni-loopback-');
  for (const file of files) {
    if (isOurs(file) && ids.some((id) => file.includes(id))) await rm(path.join(folder, file), { force: true });
  }
}

/** Volumes of pods, root file systems of containers; the store of images stays, as a disk would. */
async function unmount(place: Place): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  const isOurs = (point: string) => [place.folder, place.runFolder].some((folder) => point.startsWith(`${folder}/`));
  const ours = mounts.filter((point) => isOurs(point) && point !== imageStore(place));
  for (const point of ours.toReversed()) await read(['umount', '--lazy', point]);
}
