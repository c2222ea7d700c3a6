import { chmod, copyFile, cp, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../tools/cache.ts';
import { run } from '../../tools/command.ts';
import type { Image } from './archive.ts';
import { readStage, type Copy, type Stage } from './dockerfile.ts';
import { freshLayer, packageLayer, pinnedLayer, type Fill, type Layer } from './layer.ts';
import { collectPackages, essentialPackages } from './packages.ts';

/** Programs of other projects that images are made of: paths on this machine. */
export interface Programs {
  readonly envoy: string;
  readonly coredns: string;
  readonly pause: string;
}

/** What every pod's sandbox runs; the container runtime is told its name. */
export const pauseImage = 'cluster.test/pause:1';

/** Packages that a base image holds beyond what was asked for, and further files. */
interface Base {
  readonly packages: () => Promise<readonly string[]>;
  /** Where Node is, in a base that has it. */
  readonly node?: string;
  readonly user?: string;
}

// Of libraries, because these packages' installation scripts need it; nothing that runs does.
const without = ['perl', 'debconf', 'dpkg', 'libldap-common', 'ca-certificates', 'publicsuffix', 'krb5-locales'];

const debian: Base = { packages: essentialPackages };
const bases: Readonly<Record<string, Base>> = {
  'debian:bookworm-slim': debian,
  'gcr.io/distroless/nodejs24-debian12:nonroot': {
    packages: () => Promise.resolve(['base-files', 'libc6', 'libstdc++6', 'netbase']),
    node: '/nodejs/bin/node',
    user: '65532',
  },
  'node:24-bookworm-slim': {
    packages: async () => [...(await essentialPackages()), 'libstdc++6'],
    node: '/usr/local/bin/node',
  },
};

/** Our own images, assembled from the stages of the Dockerfile; `folder` takes their changing layers. */
export async function ownImages(folder: string): Promise<readonly Image[]> {
  const dockerfile = await readFile(path.join(root, 'Dockerfile'), 'utf8');
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
  if ((await run([process.execPath, path.join(root, 'scripts/build.ts')], { env: { NODE_OPTIONS: '' } })) !== 0) {
    throw new Error('scripts/build.ts failed');
  }
  return [
    await assemble(`sidecar-injector:${version}`, readStage(dockerfile, 'injector'), root, folder),
    await assemble(`sidecar-injector-init:${version}`, readStage(dockerfile, 'init'), root, folder),
  ];
}

/** The image that scenarios use as an application and as a client. */
export async function workbenchImage(folder: string): Promise<Image> {
  const context = path.join(root, 'test/cluster/workbench');
  const dockerfile = await readFile(path.join(context, 'Dockerfile'), 'utf8');
  return assemble('cluster.test/workbench:1', readStage(dockerfile, 'workbench'), context, folder);
}

/** Builds what `docker build` would from a stage; `folder` takes the layer that changes. */
async function assemble(name: string, stage: Stage, context: string, folder: string): Promise<Image> {
  const base = bases[stage.base];
  if (base === undefined) throw new Error(`base image ${stage.base} is not known`);
  const copies = await freshLayer(folder, async (rootFolder) => {
    for (const copy of stage.copies) await copyInto(rootFolder, copy, context);
  });
  const config = { ...(base.user !== undefined && { User: base.user }), ...stage.config };
  return { name, config, layers: [...(await baseLayers(base, stage.packages)), copies] };
}

async function baseLayers(base: Base, packages: readonly string[]): Promise<readonly Layer[]> {
  const names = [...(await base.packages()), ...packages];
  const recipe = await readFile(import.meta.filename, 'utf8');
  const layer = await packageLayer(await collectPackages(names, without), makeSystemFiles, [recipe]);
  return base.node === undefined ? [layer] : [layer, await nodeLayer(base.node)];
}

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

async function copyInto(folder: string, { stage, from, to, mode }: Copy, context: string): Promise<void> {
  // The stage `build` works in /build with the files of the checkout.
  const source = path.join(context, stage === undefined ? from : from.replace(/^\/build\//, ''));
  const target = path.join(folder, to);
  await mkdir(path.dirname(target), { recursive: true });
  await cp(source, target, { recursive: true });
  if (mode !== undefined) await chmod(target, mode);
}

function place(source: string, target: string): Fill {
  return async (folder) => {
    const file = path.join(folder, target);
    await mkdir(path.dirname(file), { recursive: true });
    await copyFile(source, file);
    await chmod(file, 0o755);
  };
}

/** The images that manifests and scenarios name beside ours, made of this machine's programs. */
export async function foreignImages(programs: Programs): Promise<readonly Image[]> {
  const program = async (source: string, target: string) => {
    const { mtimeMs, size } = await stat(source);
    return pinnedLayer([source, target, `${mtimeMs} ${size}`], place(source, target));
  };
  const slim = await baseLayers(debian, []);
  const apache = await baseLayers(debian, ['apache2-bin']);
  return [
    {
      name: pauseImage,
      config: { Entrypoint: ['/pause'] },
      layers: [await program(programs.pause, '/pause')],
    },
    {
      name: 'cluster.test/coredns:1',
      config: { Entrypoint: ['/coredns'] },
      layers: [await program(programs.coredns, '/coredns')],
    },
    {
      name: 'envoyproxy/envoy:v1.40.0',
      config: { Entrypoint: ['/usr/local/bin/envoy'] },
      layers: [...slim, await program(programs.envoy, '/usr/local/bin/envoy')],
    },
    {
      name: 'httpd:2.4',
      config: { Cmd: ['httpd-foreground'], WorkingDir: '/usr/local/apache2' },
      layers: [...apache, await httpdLayer()],
    },
  ];
}

/** Makes Debian's Apache HTTPD look like the official image: same command, folders and page. */
function httpdLayer(): Promise<Layer> {
  const modules = ['mpm_event', 'authz_core', 'authz_host', 'dir', 'mime', 'status'];
  const configuration = [
    'ServerRoot /usr/local/apache2',
    'ServerName localhost',
    'PidFile /tmp/httpd.pid',
    'DefaultRuntimeDir /tmp',
    'Listen 80',
    ...modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
    'User www-data',
    'Group www-data',
    'TypesConfig /dev/null',
    'DocumentRoot /usr/local/apache2/htdocs',
    'DirectoryIndex index.html',
    'ErrorLog /proc/self/fd/2',
    'LogFormat "%h %l %u %t \\"%r\\" %>s %b" common',
    'CustomLog /proc/self/fd/1 common',
    '<Location /server-status>',
    'SetHandler server-status',
    '</Location>',
    '',
  ].join('\n');
  return pinnedLayer(['httpd', configuration], async (folder) => {
    const files: Readonly<Record<string, string>> = {
      'usr/local/apache2/conf/httpd.conf': configuration,
      'usr/local/apache2/htdocs/index.html': '<html><body><h1>It works!</h1></body></html>\n',
      'usr/local/bin/httpd-foreground': [
        '#!/bin/sh',
        'exec /usr/sbin/apache2 -DFOREGROUND -f /usr/local/apache2/conf/httpd.conf "$@"',
        '',
      ].join('\n'),
    };
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.join(folder, path.dirname(name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    await chmod(path.join(folder, 'usr/local/bin/httpd-foreground'), 0o755);
    await mkdir(path.join(folder, 'usr/local/apache2/logs'), { recursive: true });
  });
}
