import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { read } from '../../tools/command.ts';

/** Installed Debian packages, as sources of an image's files. */
export interface PackageSet {
  /** `name=version` of each, sorted. */
  readonly versions: readonly string[];
  /** Absolute paths of this machine, folders first. */
  readonly files: readonly string[];
}

/** Never needed to run what the images run. */
const documentation = /^\/usr\/share\/(doc|man|info|locale|lintian|bash-completion|bug)\b/;

/** Packages without which Debian does not work: what a `slim` image holds. */
export async function essentialPackages(): Promise<readonly string[]> {
  const list = (await read(['dpkg-query', '-W', '-f', '${Package} ${Essential}\n'])) ?? '';
  return list.split('\n').flatMap((line) => (line.endsWith(' yes') ? [line.split(' ')[0] ?? ''] : []));
}

/**
 * The packages and all that they depend on, from this machine's own installation; `without` cuts branches off. Throws
 * when a package is not installed.
 */
export async function collectPackages(names: readonly string[], without: readonly string[] = []): Promise<PackageSet> {
  const installed = await readInstalled();
  const found = new Map<string, string>();
  const add = (name: string): void => {
    if (found.has(name) || without.includes(name)) return;
    const entry = installed.get(name);
    if (entry === undefined) throw new Error(`Debian package ${name} is not installed`);
    found.set(name, entry.version);
    for (const alternatives of entry.needs) {
      const one = alternatives
        .map((alternative) => findProvider(installed, alternative))
        .find((name) => name !== undefined);
      if (one !== undefined) add(one);
    }
  };
  names.forEach(add);
  const versions = [...found].map(([name, version]) => `${name}=${version}`).toSorted();
  return { versions, files: await listFiles([...found.keys()]) };
}

/** The package itself, or one that provides it as mawk does awk; that of a slim image before others. */
function findProvider(installed: ReadonlyMap<string, Installed>, name: string): string | undefined {
  if (installed.has(name)) return name;
  const providers = [...installed].filter(([, { provides }]) => provides.includes(name));
  return (providers.find(([, { isRequired }]) => isRequired) ?? providers[0])?.[0];
}

interface Installed {
  readonly version: string;
  readonly isRequired: boolean;
  readonly provides: readonly string[];
  /** Each with its alternatives. */
  readonly needs: readonly (readonly string[])[];
}

async function readInstalled(): Promise<Map<string, Installed>> {
  const fields = ['Package', 'Version', 'db:Status-Status', 'Priority', 'Provides', 'Pre-Depends', 'Depends'];
  const format = `${fields.map((field) => `\${${field}}`).join('\t')}\n`;
  const installed = new Map<string, Installed>();
  for (const line of ((await read(['dpkg-query', '-W', '-f', format])) ?? '').split('\n')) {
    const [name = '', version = '', status, priority, provides = '', ...needs] = line.split('\t');
    if (status !== 'installed') continue;
    installed.set(name, {
      version,
      isRequired: priority === 'required',
      provides: readRelations(provides).flat(),
      needs: needs.flatMap(readRelations),
    });
  }
  return installed;
}

/** Package names of a field such as `awk, libc6 (>= 2.3) | musl`, each with its alternatives. */
function readRelations(field: string): string[][] {
  const groups = field.split(',').filter((group) => group.trim() !== '');
  return groups.map((group) => group.split('|').map((word) => word.trim().replace(/[ :(].*$/, '')));
}

async function listFiles(packages: readonly string[]): Promise<readonly string[]> {
  const list = (await read(['dpkg-query', '-L', ...packages])) ?? '';
  const files = new Set<string>();
  for (const line of list.split('\n')) {
    if (!line.startsWith('/') || line === '/.' || documentation.test(line) || !existsSync(line)) continue;
    // Debian lists /bin/sh, which lies in /usr/bin.
    files.add(path.join(realpathSync(path.dirname(line)), path.basename(line)));
  }
  for (const link of await listAlternatives()) {
    if (files.has(link.target)) files.add(link.name).add(link.choice);
  }
  return [...files].toSorted();
}

/** Links that packages make when they are installed, such as iptables -> /etc/alternatives/iptables -> iptables-nft. */
async function listAlternatives(): Promise<readonly { name: string; choice: string; target: string }[]> {
  const folders = ['/usr/bin', '/usr/sbin'].filter((folder) => existsSync(folder));
  const list = (await read(['find', ...folders, '-lname', '/etc/alternatives/*', '-printf', '%p %l\n'])) ?? '';
  return list.split('\n').flatMap((line) => {
    const [name = '', choice = ''] = line.split(' ');
    return existsSync(choice) ? [{ name, choice, target: realpathSync(choice) }] : [];
  });
}
