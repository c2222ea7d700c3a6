import type { Dirent } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../grammar/problem.ts';

/** One stream of manifests with its exact text. `name` is used in messages. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

export interface ReadSources {
  readonly sources: readonly Source[];
  readonly problems: readonly Problem[];
}

const manifestName = /\.(?:ya?ml|json)$/;

/** What was found below a folder: files, and folders that could not be read. */
interface Listing {
  readonly files: string[];
  readonly problems: Problem[];
  /** Real paths of folders. A link may lead to a parent folder, so every folder is visited once. */
  readonly seen: Set<string>;
}

/**
 * Lists manifests below a folder, sorted by path. Hidden entries are skipped: a mounted ConfigMap keeps copies of its
 * files there.
 */
async function listFolder(folder: string, listing: Listing): Promise<void> {
  const { files, problems, seen } = listing;
  let entries: Dirent[];
  try {
    const identity = await realpath(folder);
    if (seen.has(identity)) return;
    seen.add(identity);
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    problems.push({ where: folder, message: describeReadError(error) });
    return;
  }
  for (const found of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (found.name.startsWith('.')) continue;
    const path = join(folder, found.name);
    // A broken link stays in the list: reading it reports the problem.
    const entry = found.isSymbolicLink() ? await stat(path).catch(() => undefined) : found;
    if (entry?.isDirectory() === true) await listFolder(path, listing);
    else if (entry?.isFile() !== false && manifestName.test(found.name)) files.push(path);
  }
}

function decode(name: string, bytes: Uint8Array): Source | Problem {
  try {
    return { name, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { where: name, message: 'is not UTF-8 text; save it as UTF-8' };
  }
}

/** Files read at the same time; few enough not to run out of file descriptors. */
const filesAtATime = 64;

async function readAll(files: readonly string[]): Promise<(Source | Problem)[]> {
  const read: (Source | Problem)[] = [];
  for (let from = 0; from < files.length; from += filesAtATime) {
    const some = files.slice(from, from + filesAtATime);
    const reading = some.map(async (file) => {
      try {
        return decode(file, await readFile(file));
      } catch (error) {
        return { where: file, message: describeReadError(error) };
      }
    });
    read.push(...(await Promise.all(reading)));
  }
  return read;
}

function describeReadError(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return 'there is no such file or folder';
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not read it';
  if (code === 'ELOOP') return 'its links go round in a circle';
  return error instanceof Error ? error.message : String(error);
}

/**
 * Reads files, folders (recursively: .yaml, .yml and .json, sorted by path) and, for `-`, standard input. Collects
 * all problems. A source that could not be read is missing from the result.
 */
export async function readSources(paths: readonly string[], stdin: () => Promise<Uint8Array>): Promise<ReadSources> {
  const sources: Source[] = [];
  const problems: Problem[] = [];
  const keep = (read: Source | Problem): void => {
    if ('text' in read) sources.push(read);
    else problems.push(read);
  };
  for (const path of paths) {
    try {
      if (path === '-') {
        keep(decode('<stdin>', await stdin()));
      } else if ((await stat(path)).isDirectory()) {
        const files: string[] = [];
        const unread: Problem[] = [];
        await listFolder(path, { files, problems: unread, seen: new Set() });
        problems.push(...unread);
        if (files.length === 0 && unread.length === 0) {
          problems.push({ where: path, message: 'holds no .yaml, .yml or .json file' });
        }
        for (const read of await readAll(files)) keep(read);
      } else {
        keep(decode(path, await readFile(path)));
      }
    } catch (error) {
      problems.push({ where: path, message: describeReadError(error) });
    }
  }
  return { sources, problems };
}
