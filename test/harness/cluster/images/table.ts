import { chmod, cp, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../../../../scripts/checkout.ts';
import { run } from '../../tools/command.ts';
import type { Image } from './archive.ts';
import { baseLayers, bases, debian, debianWithNode, programLayer } from './base.ts';
import { readStage, type Copy, type Stage } from './dockerfile.ts';
import { httpdLayer } from './httpd.ts';
import { freshLayer, type Layer } from './layer.ts';

/** Programs of other projects that images are made of: paths on this machine. */
export interface Programs {
  readonly envoy: string;
  readonly coredns: string;
  readonly pause: string;
}

/** What every pod's sandbox runs; the container runtime is told its name. */
export const pauseImage = 'cluster.test/pause:1';

/** Sources of our own images. */
export interface Checkout {
  /** Its folder, with packages installed. */
  readonly folder: string;
  readonly tag: string;
}

/** The sources that run now, with their version as the tag. */
export async function thisCheckout(): Promise<Checkout> {
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string };
  return { folder: root, tag: version };
}

/** Our own images, assembled from the stages of a checkout's Dockerfile; `folder` takes their changing layers. */
export async function ownImages(checkout: Checkout, folder: string): Promise<readonly Image[]> {
  const dockerfile = await readFile(path.join(checkout.folder, 'Dockerfile'), 'utf8');
  const build = path.join(checkout.folder, 'scripts/build.ts');
  if ((await run([process.execPath, build], { env: { NODE_OPTIONS: '' } })) !== 0) throw new Error(`${build} failed`);
  const image = (name: string, stage: string) =>
    assemble(`${name}:${checkout.tag}`, readStage(dockerfile, stage), checkout.folder, folder);
  return [await image('sidecar-injector', 'injector'), await image('sidecar-injector-init', 'init')];
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
  const copies = await copiesLayer(stage, context, folder);
  const config = { ...(base.user !== undefined && { User: base.user }), ...stage.config };
  return { name, config, layers: [...(await baseLayers(base, stage.packages)), copies] };
}

/** The layer of what a stage copies from its context; its archive lies in `folder`. */
export function copiesLayer({ copies }: Stage, context: string, folder: string): Promise<Layer> {
  return freshLayer(folder, async (rootFolder) => {
    for (const copy of copies) await copyInto(rootFolder, copy, context);
  });
}

async function copyInto(folder: string, { stage, from, to, mode }: Copy, context: string): Promise<void> {
  // The stage `build` works in /build with the files of the checkout.
  const source = path.join(context, stage === undefined ? from : from.replace(/^\/build\//, ''));
  const target = path.join(folder, to);
  await mkdir(path.dirname(target), { recursive: true });
  await cp(source, target, { recursive: true });
  if (mode !== undefined) await chmod(target, mode);
}

/** The images that manifests and scenarios name beside ours, made of this machine's programs. */
export async function foreignImages(programs: Programs): Promise<readonly Image[]> {
  const slim = await baseLayers(debian, []);
  const apache = await baseLayers(debian, ['apache2-bin']);
  return [
    {
      name: pauseImage,
      config: { Entrypoint: ['/pause'] },
      layers: [await programLayer(programs.pause, '/pause')],
    },
    {
      name: 'cluster.test/coredns:1',
      config: { Entrypoint: ['/coredns'] },
      layers: [await programLayer(programs.coredns, '/coredns')],
    },
    {
      name: 'envoyproxy/envoy:v1.40.0',
      config: { Entrypoint: ['/usr/local/bin/envoy'] },
      layers: [...slim, await programLayer(programs.envoy, '/usr/local/bin/envoy')],
    },
    {
      name: 'httpd:2.4',
      config: { Cmd: ['httpd-foreground'], WorkingDir: '/usr/local/apache2' },
      layers: [...apache, await httpdLayer()],
    },
    { name: 'node:24-slim', config: { Cmd: ['node'] }, layers: await baseLayers(debianWithNode, []) },
    // The applications of the examples use its shell and a few commands, which Debian has too.
    { name: 'busybox:1.37', config: { Cmd: ['sh'] }, layers: slim },
  ];
}
