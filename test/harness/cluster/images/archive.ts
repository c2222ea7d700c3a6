import { createHash } from 'node:crypto';
import { symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../tools/command.ts';
import type { ImageConfig } from './dockerfile.ts';
import type { Layer } from './layer.ts';

/** An image that is ready to be packed. */
export interface Image {
  /** As manifests name it. */
  readonly name: string;
  readonly config: ImageConfig;
  /** Lowest first. */
  readonly layers: readonly Layer[];
}

const searchPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Packs images into one file as `docker save` does, shared layers once; `folder` is an empty one to work in. */
export async function writeArchive(images: readonly Image[], folder: string, file: string): Promise<void> {
  const members = new Set(['manifest.json']);
  const manifest: object[] = [];
  for (const { name, config, layers } of images) {
    for (const layer of layers) {
      const member = layerMember(layer);
      if (members.has(member)) continue;
      members.add(member);
      await symlink(layer.file, path.join(folder, member));
    }
    const text = JSON.stringify({
      created: '1970-01-01T00:00:00Z',
      architecture: architectures[process.arch] ?? process.arch,
      os: 'linux',
      config: { ...config, Env: [...(config.Env ?? []), searchPath] },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    });
    const configMember = `${createHash('sha256').update(text).digest('hex')}.json`;
    members.add(configMember);
    await writeFile(path.join(folder, configMember), text);
    manifest.push({ Config: configMember, RepoTags: [name], Layers: layers.map(layerMember) });
  }
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
  const pack = ['--create', '--dereference', '--file', file, `--directory=${folder}`, ...members] as const;
  if ((await run(['tar', ...pack])) !== 0) throw new Error(`tar could not write ${file}`);
}

function layerMember({ digest }: Layer): string {
  return `${digest.replace('sha256:', '')}.tar`;
}
