import path from 'node:path';
import { run, type Command } from '../../test/harness/tools/command.ts';
import type { Architecture } from './images.ts';

/** Debian's release in the Dockerfile's base images. */
const suite = 'bookworm';

/** Never needed by what the images run; images called slim have none of it either. */
const documentation = ['doc', 'info', 'locale', 'man'];

/**
 * Makes an archive of the root file system of Debian's essential packages and others with mmdebstrap. For an architecture other
 * than this machine's it needs qemu-user-static. `RELEASE_APT_SOURCES` names a file of sources other than Debian's own.
 */
export async function bootstrapDebian(
  architecture: Architecture,
  packages: readonly string[],
  folder: string,
): Promise<string> {
  const archive = path.join(folder, `debian-${architecture}.tar`);
  const sources = process.env['RELEASE_APT_SOURCES'];
  const command = [
    'mmdebstrap',
    '--variant=essential',
    `--include=${packages.join(',')}`,
    `--architectures=${architecture}`,
    ...documentation.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    suite,
    archive,
    ...(sources === undefined ? [] : [sources]),
  ] as const satisfies Command;
  // The dates of files follow from it.
  if ((await run(command, { env: { SOURCE_DATE_EPOCH: '0' } })) !== 0) {
    throw new Error(`${command.join(' ')} failed`);
  }
  return archive;
}
