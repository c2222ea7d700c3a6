import { existsSync } from 'node:fs';
import path from 'node:path';
import { read, run } from './command.ts';
import { say, seconds, type Tool } from './tool.ts';

/** Programs that tests call, and the Debian package that brings each. */
const packages: Readonly<Record<string, string>> = {
  curl: 'curl',
  faketime: 'faketime',
  ip: 'iproute2',
  iptables: 'iptables',
  nft: 'nftables',
  openssl: 'openssl',
  shellcheck: 'shellcheck',
  prometheus: 'prometheus',
  script: 'bsdutils',
  unshare: 'util-linux',
  zsh: 'zsh',
};

/** What a node, its images and the checks of what runs there need beside them. */
const nodePackages: Readonly<Record<string, string>> = {
  apache2: 'apache2-bin',
  containerd: 'containerd',
  runc: 'runc',
  shellcheck: 'shellcheck',
};

/** The programs of the shipped sidecars that Debian has. */
const sidecarPackages: Readonly<Record<string, string>> = {
  apache2: 'apache2-bin',
  nginx: 'nginx',
  'prometheus-apache-exporter': 'prometheus-apache-exporter',
  'prometheus-node-exporter': 'prometheus-node-exporter',
};

const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];

/** Whether a program can be called by its name; system folders count even when PATH lacks them. */
export function isInstalled(program: string): boolean {
  return folders.some((folder) => existsSync(path.join(folder, program)));
}

/** Sees to it that the programs that tests call are there. */
export function preparePackages(): Promise<Tool> {
  return installMissing(packages);
}

/** Sees to it that a container runtime, its network plugins and the demonstration's web server are there. */
export function prepareNodePackages(): Promise<Tool> {
  const plugins = networkPluginFolders().length > 0 ? {} : { 'CNI plugins': 'containernetworking-plugins' };
  return installMissing({ ...nodePackages, ...plugins });
}

/** Sees to it that the programs of the shipped sidecars are there. */
export function prepareSidecarPackages(): Promise<Tool> {
  return installMissing(sidecarPackages);
}

/** Names by which a Chromium can be called, without a window first. */
export const browsers = ['chromium-headless-shell', 'chromium', 'google-chrome'] as const;

/** Sees to it that a Chromium is there. */
export function prepareBrowser(): Promise<Tool> {
  const [debian] = browsers;
  return installMissing(browsers.some(isInstalled) ? {} : { [debian]: debian });
}

/** Sees to it that the program that counts instructions is there. */
export function prepareInstructionCounter(): Promise<Tool> {
  return installMissing({ valgrind: 'valgrind' });
}

/** Folders that hold the plugins of the container network, the first that is there first. */
export function networkPluginFolders(): readonly string[] {
  return ['/usr/lib/cni', '/opt/cni/bin'].filter((folder) => existsSync(path.join(folder, 'bridge')));
}

// A new machine updates itself, and two runs may begin at once: the lock is waited for, at most so many seconds.
const patiently = ['-o', 'DPkg::Lock::Timeout=300'];

/** Sees to it that every program of a table can be called; installs what is missing when that is possible here. */
async function installMissing(wantedPackages: Readonly<Record<string, string>>): Promise<Tool> {
  const missing = Object.keys(wantedPackages).filter((program) => !isInstalled(program));
  // Debian keeps iptables and nft out of an ordinary user's PATH.
  const ready: Tool = { state: 'ready', folders: ['/usr/sbin', '/sbin'] };
  if (missing.length === 0) return ready;
  const wanted = [...new Set(missing.map((program) => wantedPackages[program] ?? program))];
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) {
    return { state: 'missing', needs: `the program${missing.length > 1 ? 's' : ''} ${missing.join(', ')}` };
  }
  const startMs = Date.now();
  say(`installing ${wanted.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run(['apt-get', ...patiently, 'update', '-qq'], { env });
  const install = ['apt-get', ...patiently, 'install', '-y', '-qq', '--no-install-recommends', ...wanted] as const;
  if ((await run(install, { env })) !== 0) {
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
