import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readManifests } from '../../../src/manifests/manifest.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';

const pod = (name: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [{name: app, image: app:1}]}\n`;

describe('a folder with files that cannot be read', () => {
  let folder = '';

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'manifests-'));
    await writeFile(path.join(folder, 'a.yaml'), pod('first'));
    await writeFile(path.join(folder, 'b.yaml'), `${pod('half')}---\na: [\n`);
    await writeFile(path.join(folder, 'c.yaml'), Buffer.from([0xff, 0xfe]));
    await symlink('nowhere', path.join(folder, 'd.yaml'));
    await writeFile(path.join(folder, 'e.json'), '{"a": 1e400}');
    await mkdir(path.join(folder, 'f'));
    await writeFile(path.join(folder, 'f', 'g.yml'), pod('last'));
  });

  afterEach(() => rm(folder, { recursive: true }));

  const problems = [
    'b.yaml:7:1: Missing closing bracket ] of "["; write it',
    'c.yaml: is not UTF-8',
    'd.yaml: there is no such file',
    'e.json:1:7: "1e400"',
  ];

  function expectProblems(stderr: string): void {
    for (const problem of problems) expect(stderr).toContain(`error: ${path.join(folder, problem)}`);
    expect(stderr).toContain('nothing of them was written, everything else was done');
    expect(stderr).not.toContain('half');
  }

  test.each(['inject', 'uninject'])('%s writes the others as a valid stream', async (command) => {
    const { stdout, stderr, code } = await runCommand([command, '-f', folder]);
    const documents = [...readManifests({ name: 'out', text: stdout })];
    expect(documents.map((one) => ('content' in one ? one.content : one))).toMatchObject([
      { value: { metadata: { name: 'first' } } },
      { value: { metadata: { name: 'last' } } },
    ]);
    expectProblems(stderr);
    expect(code).toBe(1);
  });

  test.each(['json', 'patch', 'diff', 'unified'])('inject -o %s shows the others', async (format) => {
    const { stdout, stderr, code } = await runCommand(['inject', '-f', folder, '-o', format]);
    expect(stdout).toContain('first');
    expect(stdout).toContain('last');
    if (format === 'json') expect(JSON.parse(stdout)).toMatchObject({ items: [{ kind: 'Pod' }, { kind: 'Pod' }] });
    expectProblems(stderr);
    expect(code).toBe(1);
  });

  test('inject --check lists the others, and fails', async () => {
    const { stdout, stderr, code } = await runCommand(['inject', '-f', folder, '--check']);
    expect(stdout.split('\n').map((line) => line.replace(folder, ''))).toEqual([
      '/a.yaml: Pod/first would change',
      '/f/g.yml: Pod/last would change',
      '',
    ]);
    expectProblems(stderr);
    expect(code).toBe(1);
  });

  test('inject --summary and explain tell about the others, and fail', async () => {
    const summary = await runCommand(['inject', '-f', folder, '--summary']);
    expect(summary.stdout).toContain('2 objects: 2 inject');
    const explained = await runCommand(['explain', '-f', folder, '-o', 'json']);
    expect(JSON.parse(explained.stdout)).toMatchObject([{ object: { name: 'first' } }, { object: { name: 'last' } }]);
    for (const { stderr, code } of [summary, explained]) {
      expectProblems(stderr);
      expect(code).toBe(1);
    }
  });

  test('a folder that may not be read is named, and the others are written', async () => {
    await chmod(path.join(folder, 'f'), 0o000);
    const canReadAll = process.getuid?.() === 0;
    const { stdout, stderr, code } = await runCommand(['inject', '-f', folder]);
    await chmod(path.join(folder, 'f'), 0o700);
    expect(stdout).toContain('name: first');
    expect(stdout.includes('name: last')).toBe(canReadAll);
    expect(stderr.includes(`${path.join(folder, 'f')}: this user may not read it`)).toBe(!canReadAll);
    expect(code).toBe(1);
  });

  test('a denied pod still stops everything, and all problems are told', async () => {
    const denied = pod('bad').replace('metadata: {', 'metadata: {annotations: {sidecar.istio.io/proxyCPU: x}, ');
    await writeFile(path.join(folder, 'h.yaml'), denied);
    const { stdout, stderr, code } = await runCommand(['inject', '-f', folder]);
    expect([stdout, code]).toEqual(['', 1]);
    expect(stderr).toContain('proxyCPU');
    expect(stderr).toContain('c.yaml: is not UTF-8');
    expect(stderr).toContain('nothing was written');
  });

  test('a single file that cannot be read leaves standard output empty', async () => {
    const { stdout, stderr, code } = await runCommand(['inject', '-f', path.join(folder, 'b.yaml'), '-o', 'json']);
    expect([stdout, code]).toEqual(['', 1]);
    expect(stderr).toContain('nothing was written');
  });
});
