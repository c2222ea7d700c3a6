import { readdir, readFile, stat } from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createDevSource } from '../../../src/certs/dev-source.ts';
import { dayMs } from '../../../src/certs/durations.ts';
import { createSelfCheck } from '../../../src/certs/self-check.ts';
import type { CertificateSource, ServingCertificate } from '../../../src/certs/source.ts';
import { createEventLog, listenTls } from './fake-cluster.ts';

let folder: string;
let source: CertificateSource | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dev-source-'));
});

afterEach(async () => {
  await source?.stop();
  await rm(folder, { recursive: true });
});

test('localhost verifies through the CA file', async () => {
  const caFile = join(folder, 'ca.crt');
  source = createDevSource({ caFile });
  expect(source.health().ready).toBe(false);
  const serving = await source.start();
  expect(await readdir(folder)).toEqual([]);
  await source.announce?.();
  const listener = await listenTls(serving);
  try {
    const ca = await readFile(caFile, 'utf8');
    await createSelfCheck({ host: '127.0.0.1', port: listener.port, servername: 'localhost' })(ca);
    expect(serving.bundle).toBe(ca);
    expect(ca).not.toContain('PRIVATE');
  } finally {
    await listener.close();
  }
  expect((await stat(caFile)).mode & 0o777).toBe(0o644);
  expect(await readdir(folder)).toEqual(['ca.crt']);
  expect(source.health().ready).toBe(true);
});

test('a leaf that is due is renewed from the same CA', async () => {
  let now = new Date();
  const log = createEventLog();
  source = createDevSource({
    caFile: join(folder, 'ca.crt'),
    clock: () => now,
    pollMs: 5,
    onEvent: log.onEvent,
  });
  const renewed = new Promise<ServingCertificate>((resolve) => source?.onChange(resolve));
  const first = await source.start();
  await source.announce?.();
  now = new Date(now.getTime() + 6 * dayMs);
  const next = await renewed;
  expect(next.certificate).not.toBe(first.certificate);
  expect(next.bundle).toBe(first.bundle);
  expect(log.codes()).toEqual(['leaf-issued', 'ca-generated', 'leaf-issued']);
});

test('a CA file that cannot be written rejects', async () => {
  const caFile = join(folder, 'missing', 'ca.crt');
  source = createDevSource({ caFile });
  await source.start();
  await expect(source.announce?.()).rejects.toThrow(`cannot write the CA certificate to '${caFile}': ENOENT`);
});
