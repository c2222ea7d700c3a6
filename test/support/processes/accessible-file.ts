import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** A file as another user may use it. */
export interface AccessibleFile {
  readonly path: string;
  readonly remove: () => void;
}

/** The file itself when the user may read and execute it, otherwise a copy: checkout and cache may be private to root. */
export function accessibleTo(uid: number, path: string): AccessibleFile {
  const user = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
  const isAccessible =
    spawnSync('setpriv', [...user, 'sh', '-c', 'test -r "$1" && test -x "$1"', 'sh', path]).status === 0;
  if (isAccessible) return { path, remove: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'sidecar-injector-copy-'));
  chmodSync(folder, 0o755);
  const copy = join(folder, basename(path));
  copyFileSync(path, copy);
  chmodSync(copy, 0o755);
  return { path: copy, remove: () => rmSync(folder, { recursive: true }) };
}
