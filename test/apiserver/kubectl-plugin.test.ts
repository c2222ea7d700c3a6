import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { findProgram } from '../harness/tools/kubernetes.ts';
import { version } from '../../src/index.ts';

const bin = path.resolve(import.meta.dirname, '../../bin');

/** Runs kubectl as a person does who has `bin/` on the PATH and no cluster. */
function kubectl(...args: string[]): { readonly status: number | null; readonly stdout: string } {
  const program = findProgram('kubectl', process.env);
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: '/nonexistent', KUBECONFIG: '/nonexistent' };
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8', env });
  return { status, stdout };
}

test('kubectl finds the plug-in and runs it', () => {
  expect(kubectl('sidecar-injector', 'version')).toEqual({
    status: 0,
    stdout: expect.stringContaining(`sidecar-injector ${version} `),
  });
  expect(kubectl('plugin', 'list', '--name-only').stdout.split('\n')).toContain('kubectl-sidecar_injector');
});

test.each([
  [[''], 'inject\tInject the sidecar', ':4'],
  [['inject', '--summ'], '--summary\twrite no manifests', ':4'],
  [['inject', '-o', 'un'], 'unified', ':4'],
  [['inject', '-f', ''], '', ':0'],
])('kubectl asks it what may come behind %j', (words, line, directive) => {
  const { status, stdout } = kubectl('__complete', 'sidecar-injector', ...words);
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.at(-1)).toBe(directive);
  expect(line === '' ? lines.length : lines.some((one) => one.startsWith(line))).toBe(line === '' ? 1 : true);
});
