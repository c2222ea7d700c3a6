import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { runCommand, type Run } from '../../support/builders/recorded-io.ts';

const names = ['ca.crt', 'ca.key', 'tls.crt', 'tls.key'];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'certs-'));
});
afterEach(() => rm(folder, { recursive: true }));

function generate(...more: readonly string[]): Promise<Run> {
  return runCommand(['certs', 'generate', '--out', folder, ...more]);
}

function read(name: string): Promise<string> {
  return readFile(path.join(folder, name), 'utf8');
}

describe('certs generate', () => {
  test('writes a CA and a certificate of it for the Service, and says where', async () => {
    const { code, stdout, stderr } = await generate('--service', 'hook', '--namespace', 'system');
    expect(code).toBe(0);
    expect(stdout).toBe(names.map((name) => `${path.join(folder, name)}\n`).join(''));
    expect(stderr).toContain('hook.system.svc');
    const leaf = new X509Certificate(await read('tls.crt'));
    expect(leaf.verify(new X509Certificate(await read('ca.crt')).publicKey)).toBe(true);
    expect(leaf.subjectAltName).toContain('DNS:hook.system.svc');
  });

  test('keys are for their owner alone', async () => {
    // What a usual account has, so that a mode that is too wide shows.
    const before = process.umask(0o022);
    try {
      await generate();
    } finally {
      process.umask(before);
    }
    const modes = names.map(async (name) => {
      const { mode } = await stat(path.join(folder, name));
      return [name, (mode & 0o777).toString(8)] as const;
    });
    expect(Object.fromEntries(await Promise.all(modes))).toEqual({
      'ca.crt': '644',
      'ca.key': '600',
      'tls.crt': '644',
      'tls.key': '600',
    });
  });

  test.each(names)('a %s that is there stays as it was, and nothing is put beside it', async (name) => {
    await writeFile(path.join(folder, name), 'precious');
    const { code, stdout, stderr } = await generate();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`${path.join(folder, name)}: already exists`);
    expect(stderr).toContain('nothing is overwritten');
    expect(await read(name)).toBe('precious');
    expect(await readdir(folder)).toEqual([name]);
  });

  test.each(['0', '-1', '1.5', '', 'x', '99999'])('--days=%s is refused before anything is written', async (days) => {
    const { code, stderr } = await generate(`--days=${days}`);
    expect(code).toBe(2);
    expect(stderr).toContain(`"${days}" is not a number of days`);
    expect(await readdir(folder)).toEqual([]);
  });
});
