import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCache } from '../../tools/cache.ts';
import { run } from '../../tools/command.ts';
import type { PackageSet } from './packages.ts';

/** A layer of an image: an uncompressed archive. */
export interface Layer {
  readonly file: string;
  /** `sha256:…` of the archive. */
  readonly digest: string;
}

/** Fills a folder that will be the root of the layer. */
export type Fill = (folder: string) => Promise<void>;

const reproducible = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];

/** A layer of the files of packages and what `fill` adds; made once for each set of versions and `pins`. */
export function packageLayer(set: PackageSet, fill: Fill, pins: readonly string[]): Promise<Layer> {
  return cachedLayer([...set.versions, ...pins], async (folder, archive) => {
    const list = path.join(folder, '.list');
    await writeFile(list, set.files.map((file) => `.${file}\n`).join(''));
    const packed = ['--directory=/', '--no-recursion', `--files-from=${list}`];
    await tar(['--create', '--file', archive, '--numeric-owner', ...packed]);
    await rm(list);
    await fill(folder);
    await tar(['--append', '--file', archive, ...reproducible, `--directory=${folder}`, '.']);
  });
}

/** A layer of what `fill` puts into a folder; made once for each list of `pins`. */
export function pinnedLayer(pins: readonly (string | Buffer)[], fill: Fill): Promise<Layer> {
  return cachedLayer(pins, (folder, archive) => packFolder(folder, archive, fill));
}

/** A layer that changes with every run; its archive lies in `folder`. */
export async function freshLayer(folder: string, fill: Fill): Promise<Layer> {
  const work = await mkdtemp(path.join(folder, 'layer-'));
  const archive = `${work}.tar`;
  await packFolder(work, archive, fill);
  return { file: archive, digest: await digestFile(archive) };
}

async function cachedLayer(
  pins: readonly (string | Buffer)[],
  build: (folder: string, archive: string) => Promise<void>,
): Promise<Layer> {
  const cache = openCache('layer', pins);
  if (!cache.has('digest')) {
    await cache.add(['layer.tar', 'digest'], async (half) => {
      const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-layer-'));
      const archive = path.join(half, 'layer.tar');
      try {
        await build(folder, archive);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
      await writeFile(path.join(half, 'digest'), await digestFile(archive));
    });
  }
  return { file: cache.path('layer.tar'), digest: await readFile(cache.path('digest'), 'utf8') };
}

async function packFolder(folder: string, archive: string, fill: Fill): Promise<void> {
  await mkdir(folder, { recursive: true });
  await fill(folder);
  await tar(['--create', '--file', archive, ...reproducible, `--directory=${folder}`, '.']);
}

async function tar(args: readonly string[]): Promise<void> {
  if ((await run(['tar', ...args])) !== 0) throw new Error(`tar ${args.join(' ')} failed`);
}

async function digestFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return `sha256:${hash.digest('hex')}`;
}
