import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { root } from '../checkout.ts';
import type { Edit } from '../../test/mutations/edit.ts';

/** A copy of the checkout as it is now, uncommitted changes included; the checkout itself is never touched. */
export interface Scratch {
  readonly folder: string;
  /** Makes the edit, runs `work` and takes the edit back. Throws when its text is not there exactly once. */
  withEdit<T>(edit: Edit, work: () => Promise<T>): Promise<T>;
  remove(): Promise<void>;
}

/** The file with the edit made; undefined when its text is not there exactly once. */
export function applyEdit(
  content: string,
  { text, replacement }: Pick<Edit, 'text' | 'replacement'>,
): string | undefined {
  const at = content.indexOf(text);
  if (at === -1 || content.includes(text, at + 1)) return undefined;
  return content.slice(0, at) + replacement + content.slice(at + text.length);
}

async function listFiles(): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    maxBuffer: 64 * 1024 ** 2,
  });
  return stdout.split('\0').filter((name) => name !== '');
}

/** Copies what git knows or would take in; packages are shared. */
export async function makeScratch(): Promise<Scratch> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-mutate-'));
  for (const name of await listFiles()) {
    const target = path.join(folder, name);
    await mkdir(path.dirname(target), { recursive: true });
    // A file that was deleted and not committed is still listed.
    await copyFile(path.join(root, name), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  return {
    folder,
    async withEdit(edit, work) {
      const file = path.join(folder, edit.file);
      const before = await readFile(file, 'utf8');
      const after = applyEdit(before, edit);
      if (after === undefined) throw new Error(`${edit.file} does not have the text exactly once`);
      await writeFile(file, after);
      try {
        return await work();
      } finally {
        await writeFile(file, before);
      }
    },
    remove: () => rm(folder, { recursive: true }),
  };
}
