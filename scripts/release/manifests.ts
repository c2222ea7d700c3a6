import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from '../checkout.ts';
import { installFile, meshFile } from '../manifests/install.ts';
import { meshCrdsFile } from '../manifests/mesh-crds.ts';
import { defaultImages, imagesOf, pathInRegistry, relocateManifests, type Rename } from './relocate.ts';

/** Where the images of a release are. */
export interface Places {
  /** Has our own images; undefined: they keep their names. */
  readonly own: string | undefined;
  /** Has all images, ours as well unless `own` is given; undefined: those of others keep their names. */
  readonly all: string | undefined;
  /** Of our own images, by name; one without a digest keeps its tag. */
  readonly digests: ReadonlyMap<string, string>;
}

/** The one place where an image gets its name in a release. */
export function renameFor({ own, all, digests }: Places): Rename {
  return (image) => {
    const [name = ''] = image.split(':');
    const isOurs = image.startsWith('sidecar-injector:') || image.startsWith('sidecar-injector-init:');
    const registry = isOurs ? (own ?? all) : all;
    const digest = isOurs ? digests.get(name) : undefined;
    const named = digest === undefined ? image : `${image}@${digest}`;
    return registry === undefined ? named : `${registry}/${pathInRegistry(named)}`;
  };
}

/** The generated manifests that name images. */
const manifests = [installFile, meshFile];

/**
 * Writes the manifests of a release, and `images.txt`: a line for each image that is taken from another registry than its own, with
 * the name to copy from and the name to copy to.
 */
export async function writeManifests(folder: string, places: Places): Promise<void> {
  const rename = renameFor(places);
  await mkdir(folder, { recursive: true });
  const images = new Set(Object.values(defaultImages()));
  for (const file of manifests) {
    const text = await readFile(path.join(root, file), 'utf8');
    for (const image of imagesOf(text)) images.add(image);
    await writeFile(path.join(folder, path.basename(file)), relocateManifests(text, rename));
  }
  await copyFile(path.join(root, meshCrdsFile), path.join(folder, path.basename(meshCrdsFile)));
  const moved = [...images].toSorted().filter((image) => rename(image) !== image);
  await writeFile(path.join(folder, 'images.txt'), moved.map((image) => `${image} ${rename(image)}\n`).join(''));
}
