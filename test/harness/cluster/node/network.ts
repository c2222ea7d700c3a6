import { readdir } from 'node:fs/promises';
import { read, run, type Command } from '../../tools/command.ts';
import { insideNetwork, type Place } from './place.ts';

/** Makes the namespace with one interface that has the node's address; nothing outside can be reached from it. */
export async function createNetwork(place: Place): Promise<void> {
  const ip = (...words: string[]) => must(['ip', '-n', place.name, ...words]);
  await must(['ip', 'netns', 'add', place.name]);
  await ip('link', 'set', 'lo', 'up');
  await ip('link', 'add', 'node0', 'type', 'veth', 'peer', 'name', 'node0p');
  for (const { node } of place.families) {
    const address = `${node.address}/${node.prefixLength}`;
    await ip('address', 'add', address, 'dev', 'node0', ...(address.includes(':') ? ['nodad'] : []));
  }
  await ip('link', 'set', 'node0p', 'up');
  await ip('link', 'set', 'node0', 'up');
  for (const { everywhere } of place.families) await ip('route', 'add', everywhere, 'dev', 'node0');
  const forwarding = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'].slice(0, place.families.length);
  await must([...insideNetwork(place), 'sysctl', '-qw', ...forwarding]);
}

/** Removes the node's namespace and ends whatever still runs in it. */
export function removeNetwork({ name }: Place): Promise<void> {
  return removeNamespace(name);
}

/** Removes the namespaces of pods and the bridge that joined them, with whatever still runs there. */
export async function removePodNetworks({ name, families: [{ podNetwork }] }: Place): Promise<void> {
  await read(['ip', '-n', name, 'link', 'delete', 'cni0']);
  const prefix = podNetwork.replace(/\.0\/24$/, '.');
  for (const entry of await readdir('/run/netns').catch(() => [])) {
    if (entry.startsWith('cni-') && (await hasAddress(entry, prefix))) await removeNamespace(entry);
  }
}

async function hasAddress(namespace: string, prefix: string): Promise<boolean> {
  const list = (await read(['ip', '-n', namespace, '-o', 'address', 'show', 'dev', 'eth0'])) ?? '';
  return list.includes(` inet ${prefix}`);
}

async function removeNamespace(name: string): Promise<void> {
  for (const pid of ((await read(['ip', 'netns', 'pids', name])) ?? '').split('\n')) {
    if (pid !== '') await read(['kill', '-KILL', pid]);
  }
  await read(['ip', 'netns', 'delete', name]);
}

async function must(command: Command): Promise<void> {
  if ((await run(command)) !== 0) throw new Error(`${command.join(' ')} failed`);
}
