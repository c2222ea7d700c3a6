import { existsSync } from 'node:fs';
import path from 'node:path';
import { read, run } from './command.ts';
import { say, seconds, type Tool } from './tool.ts';

/** Programs that tests call, and the Debian package that brings each. */
const packages: Readonly<Record<string, string>> = {
  curl: 'curl',
  ip: 'iproute2',
  iptables: 'iptables',
  nft: 'nftables',
  openssl: 'openssl',
  prometheus: 'prometheus',
  unshare: 'util-linux',
};

const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];

/** Whether a program can be called by its name; system folders count even when PATH lacks them. */
export function isInstalled(program: string): boolean {
  return folders.some((folder) => existsSync(path.join(folder, program)));
}

/** Sees to it that every program of the table can be called; installs what is missing when that is possible here. */
export async function preparePackages(): Promise<Tool> {
  const missing = Object.keys(packages).filter((program) => !isInstalled(program));
  // Debian keeps iptables and nft out of an ordinary user's PATH.
  const ready: Tool = { state: 'ready', folders: ['/usr/sbin', '/sbin'] };
  if (missing.length === 0) return ready;
  const wanted = [...new Set(missing.map((program) => packages[program] ?? program))];
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) {
    return { state: 'missing', needs: `the program${missing.length > 1 ? 's' : ''} ${missing.join(', ')}` };
  }
  const startMs = Date.now();
  say(`installing ${wanted.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run(['apt-get', 'update', '-qq'], { env });
  if ((await run(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...wanted], { env })) !== 0) {
    return { state: 'broken', problem: `apt-get install ${wanted.join(' ')} failed` };
  }
  say(`packages ready after ${seconds(startMs)}`);
  return ready;
}

/** Whether network namespaces can be made here, which the tests of traffic capture live in. */
export async function prepareNetworkNamespaces(): Promise<Tool> {
  if (process.platform === 'linux' && (await read(['unshare', '--net', 'true'])) !== undefined) {
    return { state: 'ready' };
  }
  return { state: 'missing', needs: 'root on Linux (network namespaces)' };
}
