import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { quote } from '../../../grammar/problem.ts';
import { exitCodes, print, report, usageFailure, type Io } from '../../io.ts';

/** Name of the starter sidecar, in file names and contents. The build copies its folder next to the bundled module. */
const starterName = 'starter';
const starter = path.join(import.meta.dirname, starterName);

interface NewFile {
  readonly file: string;
  readonly text: string;
}

/** The files of the starter for a new sidecar: its name replaces the starter's in paths and contents. */
async function starterFiles(name: string, folder: string): Promise<NewFile[]> {
  const renamed = (text: string): string => text.replaceAll(starterName, name);
  const entries = await readdir(starter, { recursive: true, withFileTypes: true });
  const sources = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return Promise.all(
    sources.toSorted().map(async (source) => ({
      file: path.join(folder, renamed(path.relative(starter, source))),
      text: renamed(await readFile(source, 'utf8')),
    })),
  );
}

/** `template new`: copies the starter, a template that works and its tests, for the author to change. */
export async function runTemplateNew(name: string, folder: string, io: Io): Promise<number> {
  if (!/^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/.test(name) || name === 'sidecar') {
    const remedy = 'give a DNS label of at most 42 characters other than sidecar';
    return report(usageFailure(`${quote(name)} is no name for a template`, remedy), io);
  }
  const files = await starterFiles(name, folder);
  try {
    for (const { file, text } of files) {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text, { flag: 'wx' });
    }
  } catch (error) {
    const { code, path: file = folder } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'already exists' : `cannot be written: ${code}`;
    const remedy = 'name a new folder with --out; nothing is overwritten';
    return report({ problems: [`${file}: ${why}`], remedy, code: exitCodes.failed }, io);
  }
  print(
    files.map(({ file }) => file),
    io,
  );
  return exitCodes.fine;
}
