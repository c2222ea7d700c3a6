import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that holds links to the named programs alone and stands for what is in another image. */
export interface ProgramFolder {
  readonly path: string;
  remove(): void;
}

export function programFolder(...programs: string[]): ProgramFolder {
  const path = mkdtempSync(join(tmpdir(), 'sidecar-injector-programs-'));
  for (const program of programs) {
    const found = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']
      .map((folder) => join(folder, program))
      .find((file) => existsSync(file));
    if (found === undefined) throw new Error(`${program} is not installed on this machine`);
    symlinkSync(found, join(path, program));
  }
  return { path, remove: () => rmSync(path, { recursive: true }) };
}
