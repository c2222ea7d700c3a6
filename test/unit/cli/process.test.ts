import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';

const program = new URL('../../../bin/sidecar-injector.mjs', import.meta.url).pathname;
const pod = 'apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    - {name: app, image: nginx}\n';

describe('the program', () => {
  test('injects from standard input to standard output', () => {
    const run = spawnSync(process.execPath, [program, 'inject', '-f', '-'], { input: pod, encoding: 'utf8' });
    expect(run.stdout).toContain('name: istio-proxy');
    expect(run).toMatchObject({ status: 0, stderr: '1 injected; --verbose tells about each\n' });
  });

  test.each<[string, readonly string[], number]>([
    ['help', ['--help'], 0],
    ['help of a command', ['inject', '--help'], 0],
    ['no command', [], 2],
    ['an unknown command', ['injct'], 2],
    ['a missing file', ['inject', '-f', '/nowhere.yaml'], 1],
    ['a difference', ['inject', '-f', '-', '-o', 'diff'], 3],
  ])('exits: %s', (_what, args, status) => {
    const run = spawnSync(process.execPath, [program, ...args], { input: pod, encoding: 'utf8' });
    expect(run.status).toBe(status);
    expect(run.stderr).not.toMatch(/^\s+at /m);
  });

  test('loads neither server, cluster client nor certificate library to inject', () => {
    const hook = `import { registerHooks } from 'node:module';
      registerHooks({ load: (url, context, next) => { process.stderr.write(url + '\\n'); return next(url, context); } });`;
    const args = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, program, 'inject', '-f', '-'];
    const { stderr, status } = spawnSync(process.execPath, args, { input: pod, encoding: 'utf8' });
    expect(status).toBe(0);
    expect(stderr).toContain('/node_modules/yaml/');
    expect(stderr).not.toMatch(/\/node_modules\/(?:fastify|@kubernetes|node-forge|pino|@prometheus-io)\//);
  });

  test('bears a reader that goes away', async () => {
    const child = spawn(process.execPath, [program, 'inject', '-f', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdout.destroy();
    // Far more than a pipe holds, so that the program meets the closed end.
    child.stdin.end(Array.from({ length: 300 }, () => pod).join('---\n'));
    const errors = buffer(child.stderr);
    const [code] = (await once(child, 'exit')) as [number];
    expect((await errors).toString()).toBe('300 injected; --verbose tells about each\n');
    expect(code).toBe(0);
  });

  test('says that its output cannot be written', () => {
    const full = openSync('/dev/full', 'w');
    const run = spawnSync(process.execPath, [program, 'version'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    });
    closeSync(full);
    expect(run).toMatchObject({ status: 1, stderr: 'error: standard output cannot be written: ENOSPC\n' });
  });
});

describe('the kubectl plug-in', () => {
  const plugin = new URL('../../../bin/kubectl-sidecar_injector', import.meta.url).pathname;
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'plugin-'));
    writeFileSync(path.join(folder, 'node'), '#!/bin/sh\necho too old >&2\nexit 9\n', { mode: 0o755 });
    mkdirSync(path.join(folder, 'a b'));
    symlinkSync(plugin, path.join(folder, 'a b', 'first'));
    symlinkSync('a b/first', path.join(folder, 'kubectl-sidecar_injector'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['itself', plugin],
    ['a link to a link', ''],
  ])('runs on the pinned Node whatever `node` is on the PATH: %s', (_, file) => {
    const command = file === '' ? path.join(folder, 'kubectl-sidecar_injector') : file;
    const env = { PATH: `${folder}:/usr/bin:/bin`, HOME: folder };
    const run = spawnSync(command, ['inject', '-f', '-'], { input: pod, encoding: 'utf8', env });
    expect(run.stdout).toContain('name: istio-proxy');
    expect(run).toMatchObject({ status: 0, stderr: '1 injected; --verbose tells about each\n' });
  });

  test('its exit code is the program’s', () => {
    const run = spawnSync(plugin, ['inject', '-f', '-', '--check'], { input: pod, encoding: 'utf8' });
    expect(run).toMatchObject({ status: 3, stdout: '<stdin>: Pod/web would change\n' });
  });
});
