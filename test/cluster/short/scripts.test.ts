import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { readTutorial } from '../../support/cluster/tutorial.ts';

const run = (command: string, args: readonly string[], input = '') =>
  spawnSync(command, args, { cwd: root, encoding: 'utf8', input });

describe('shellcheck finds nothing', () => {
  test.each(['deploy/images/capture.sh', '.ci/run'])('in %s', (file) => {
    expect(run('shellcheck', [file])).toMatchObject({ status: 0, stdout: '' });
  });

  test('in what `make` runs with kind and Docker, and it finds a mistake', () => {
    const targets = ['kind-up', 'kind-load', 'kind-test', 'kind-down'];
    const { status, stdout } = run('make', ['--dry-run', '--no-print-directory', ...targets]);
    expect(status).toBe(0);
    expect(run('shellcheck', ['--shell=sh', '-'], stdout)).toMatchObject({ status: 0, stdout: '' });
    expect(run('shellcheck', ['--shell=sh', '-'], `${stdout}\nrm -r $1/*`).status).toBe(1);
  });
});

describe('kind takes every command that is meant for it', () => {
  const kind = process.env['KIND_BIN'] ?? 'kind';
  /** Whether kind knows the command with its options; with `--help` it reads them, tells its usage and does nothing. */
  const isKnown = (words: readonly string[]) => {
    const { status, stdout } = run(kind, [...words, '--help']);
    return status === 0 && stdout.includes(`\n  kind ${words.slice(0, 2).join(' ')} `);
  };
  const commandsIn = (text: string) =>
    [...text.replaceAll(/\\\n\s*/g, '').matchAll(/^(?:\S+=\S+ )*kind (.+)$/gm)].map(([, words = '']) =>
      words.split(/\s+/),
    );

  test.each([
    ['`make`', () => run('make', ['--dry-run', '--no-print-directory', 'kind-up', 'kind-load', 'kind-down']).stdout],
    ['the tutorial', async () => (await readTutorial()).map(({ command }) => command).join('\n')],
  ])('in %s', async (_where, read) => {
    const commands = commandsIn(await read());
    expect(commands.length).toBeGreaterThan(1);
    expect(commands.filter((words) => !isKnown(words))).toEqual([]);
  });

  test('and refuses a wrong one', () => {
    expect(isKnown(['create', 'cluster', '--nam', 'x'])).toBe(false);
    expect(isKnown(['load', 'image'])).toBe(false);
  });
});

test('what is loaded into kind are the images that the manifests name', async () => {
  const { stdout } = run('make', ['--dry-run', '--no-print-directory', 'kind-load']);
  const built = [...stdout.matchAll(/docker build .*--tag (\S+)/g)].map(([, image = '']) => image);
  const loaded = /load docker-image --name \S+ ([\s\S]*?)$/m
    .exec(stdout.replaceAll(/\\\n\s*/g, ''))?.[1]
    ?.trim()
    .split(/\s+/);
  expect(loaded?.toSorted()).toEqual(built.toSorted());
  const manifest = await readFile(path.join(root, 'deploy/install.yaml'), 'utf8');
  expect(loaded).toContain(/image: (sidecar-injector:\S+)/.exec(manifest)?.[1]);
});
