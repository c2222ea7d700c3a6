import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../../../scripts/checkout.ts';
import type { Checkout } from '../../harness/cluster/images/table.ts';

const installFile = 'deploy/install.yaml';

/** The product as it was before the last change of its manifest. */
export interface PreviousVersion extends Checkout {
  /** Its own `deploy/install.yaml`, with the image of its own sources. */
  readonly manifest: string;
  remove(): Promise<void>;
}

/** Takes the previous version out of the history of this checkout. Whoever takes it removes it. */
export async function takePreviousVersion(): Promise<PreviousVersion> {
  const [, commit] = git('log', '-2', '--format=%H', '--', installFile).toString().trim().split('\n');
  if (commit === undefined) throw new Error(`the history of this checkout holds no earlier ${installFile}`);
  const parent = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-previous-'));
  const folder = path.join(parent, 'checkout');
  await mkdir(folder);
  const files = git('archive', '--format=tar', commit);
  const { status, stderr } = spawnSync('tar', ['--extract', `--directory=${folder}`], { input: files });
  if (status !== 0) throw new Error(`tar: ${stderr.toString()}`);
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  const tag = `previous-${commit.slice(0, 8)}`;
  const text = git('show', `${commit}:${installFile}`).toString();
  const manifest = text.replaceAll(/(image: sidecar-injector):\S+/g, `$1:${tag}`);
  return { folder, tag, manifest, remove: () => rm(parent, { recursive: true }) };
}

function git(...args: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: root, maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr.toString()}`);
  return stdout;
}
