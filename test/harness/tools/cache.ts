import { createHash } from 'node:crypto';
import { existsSync, utimesSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';

/** A folder of finished programs, named after the pins that made them. */
export interface ProgramCache {
  readonly folder: string;
  /** The program's path, whether it is there or not. */
  path(name: string): string;
  has(name: string): boolean;
  /**
   * Calls `build` with an empty folder on the same disk and moves each of `names` out of it when `build` has ended.
   * A program is there whole or not at all: what a broken or killed build left behind is never used.
   */
  add(names: readonly string[], build: (folder: string) => Promise<void>): Promise<void>;
}

const unusedForMs = 14 * 24 * 3_600_000;

/** Removes what other pins of this kind have left and nobody has opened for two weeks. */
async function removeUnused(parent: string, kind: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!new RegExp(`^${kind}-[0-9a-f]{16}$`).test(name)) continue;
    const folder = path.join(parent, name);
    // Another run may have removed it in the meantime.
    const { mtimeMs } = await stat(folder).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > unusedForMs) await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Opens the cache for `kind`; `pins` is everything that decides what the programs are. That it was opened keeps it; what
 * nobody opens goes when something of its kind is added.
 */
export function openCache(kind: string, pins: readonly (string | Buffer)[]): ProgramCache {
  const hash = createHash('sha256').update(`${process.platform}/${process.arch}`);
  for (const pin of pins) hash.update('\0').update(pin);
  const parent = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'sidecar-injector');
  const folder = path.join(parent, `${kind}-${hash.digest('hex').slice(0, 16)}`);
  const programPath = (name: string) => path.join(folder, name);
  const now = new Date();
  if (existsSync(folder)) utimesSync(folder, now, now);
  return {
    folder,
    path: programPath,
    has: (name) => existsSync(programPath(name)),
    async add(names, build) {
      await mkdir(folder, { recursive: true });
      const half = await mkdtemp(path.join(parent, `.${kind}-`));
      try {
        await build(half);
        for (const name of names) {
          await chmod(path.join(half, name), 0o755);
          await rename(path.join(half, name), programPath(name));
        }
      } finally {
        await rm(half, { recursive: true, force: true });
      }
      await removeUnused(parent, kind);
    },
  };
}

/** Reads a pinned file of the checkout, as one of the pins of a cache. */
export function readPin(name: string): Promise<Buffer> {
  return readFile(path.join(root, name));
}
