import { chmod, copyFile, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { packageLayer, pinnedLayer, type Fill, type Layer } from './layer.ts';
import { collectPackages, essentialPackages } from './packages.ts';

/** What an image is laid upon: packages beyond those that were asked for, and further files. */
export interface Base {
  readonly packages: () => Promise<readonly string[]>;
  /** Where Node is, in a base that has it. */
  readonly node?: string;
  readonly user?: string;
}

// Of libraries, because these packages' installation scripts need it; nothing that runs does.
const without = ['perl', 'debconf', 'dpkg', 'libldap-common', 'ca-certificates', 'publicsuffix', 'krb5-locales'];

/** Debian as a `slim` image has it. */
export const debian: Base = { packages: essentialPackages };

/** The same with Node. */
export const debianWithNode: Base = {
  packages: async () => [...(await essentialPackages()), 'libstdc++6'],
  node: '/usr/local/bin/node',
};

/** Bases by the name that a Dockerfile gives them. */
export const bases: Readonly<Record<string, Base>> = {
  'debian:bookworm-slim': debian,
  'gcr.io/distroless/nodejs24-debian12:nonroot': {
    packages: () => Promise.resolve(['base-files', 'libc6', 'libstdc++6', 'netbase']),
    node: '/nodejs/bin/node',
    user: '65532',
  },
  'node:24-bookworm-slim': debianWithNode,
};

/** Layers of a base with packages on it; the lowest one is shared by all that have the base. */
export async function baseLayers(base: Base, packages: readonly string[]): Promise<readonly Layer[]> {
  const names = await base.packages();
  const recipe = await readFile(import.meta.filename, 'utf8');
  const lowest = await collectPackages(names, without);
  const layers = [await packageLayer(lowest, makeSystemFiles, [recipe])];
  if (packages.length > 0) {
    const { versions, files } = await collectPackages([...names, ...packages], without);
    const present = new Set(lowest.files);
    const added = { versions, files: files.filter((file) => !present.has(file)) };
    layers.push(await packageLayer(added, addNothing, [recipe, 'added']));
  }
  return base.node === undefined ? layers : [...layers, await nodeLayer(base.node)];
}

const addNothing: Fill = () => Promise.resolve();

function nodeLayer(target: string): Promise<Layer> {
  return pinnedLayer(['node', process.version, target], place(process.execPath, target));
}

/** Users, temporary folders and the links into /usr that a Debian system has and no package lists. */
const makeSystemFiles: Fill = async (folder) => {
  for (const name of ['dev', 'etc', 'proc', 'run', 'sys', 'tmp', 'var', 'usr/bin', 'usr/sbin', 'usr/lib', 'root']) {
    await mkdir(path.join(folder, name), { recursive: true });
  }
  await chmod(path.join(folder, 'tmp'), 0o1777);
  for (const name of ['bin', 'sbin', 'lib']) await symlink(`usr/${name}`, path.join(folder, name));
  if (process.arch === 'x64') {
    await mkdir(path.join(folder, 'usr/lib64'));
    await symlink('usr/lib64', path.join(folder, 'lib64'));
  }
  await symlink('/run', path.join(folder, 'var/run'));
  const users = ['root:0', 'www-data:33', 'envoy:101', 'nonroot:65532', 'nobody:65534'].map((user) => user.split(':'));
  const passwd = users.map(([name, id]) => `${name}:x:${id}:${id}::/:/bin/sh\n`).join('');
  await writeFile(path.join(folder, 'etc/passwd'), passwd);
  await writeFile(path.join(folder, 'etc/group'), users.map(([name, id]) => `${name}:x:${id}:\n`).join(''));
  await writeFile(path.join(folder, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
};

function place(source: string, target: string): Fill {
  return async (folder) => {
    const file = path.join(folder, target);
    await mkdir(path.dirname(file), { recursive: true });
    await copyFile(source, file);
    await chmod(file, 0o755);
  };
}

/** A layer of one program of this machine. */
export async function programLayer(source: string, target: string): Promise<Layer> {
  const { mtimeMs, size } = await stat(source);
  return pinnedLayer([source, target, `${mtimeMs} ${size}`], place(source, target));
}
