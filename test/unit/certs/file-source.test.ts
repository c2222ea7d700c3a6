import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createAuthority, issueLeaf, type KeyedCertificate, localNames } from '../../../src/certs/authority.ts';
import { validityOf } from '../../../src/certs/ca-secret.ts';
import { dayMs } from '../../../src/certs/durations.ts';
import { createFileSource, type FileSourceOptions } from '../../../src/certs/file-source.ts';
import type { CertificateSource, ServingCertificate } from '../../../src/certs/source.ts';
import { createEventLog, type EventLog } from './fake-cluster.ts';

let authority: KeyedCertificate;
let first: KeyedCertificate;
let second: KeyedCertificate;
let expired: KeyedCertificate;
let future: KeyedCertificate;
let folder: string;
let log: EventLog;
let source: CertificateSource | undefined;

beforeAll(async () => {
  const now = new Date();
  authority = await createAuthority({ now, lifetimeMs: 365 * dayMs });
  const issue = (at: Date): Promise<KeyedCertificate> =>
    issueLeaf({ authority, names: localNames, now: at, lifetimeMs: dayMs });
  const days = (count: number): Date => new Date(now.getTime() + count * dayMs);
  [first, second, expired, future] = await Promise.all([issue(now), issue(now), issue(days(-2)), issue(days(2))]);
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-source-'));
  log = createEventLog();
  source = undefined;
});

afterEach(async () => {
  await source?.stop();
  await rm(folder, { recursive: true });
});

/** What kubelet does with a mounted Secret: a new directory, then one rename of the symlink that leads to it. */
async function mountSecret(generation: number, pair: KeyedCertificate): Promise<void> {
  const version = `..2030_01_0${generation}`;
  await mkdir(join(folder, version));
  await writeFile(join(folder, version, 'tls.crt'), pair.certificate);
  await writeFile(join(folder, version, 'tls.key'), pair.privateKey);
  await symlink(version, join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  if (generation > 1) return;
  for (const file of ['tls.crt', 'tls.key']) await symlink(`..data/${file}`, join(folder, file));
}

async function writePair(pair: Partial<KeyedCertificate>): Promise<void> {
  if (pair.certificate !== undefined) await writeFile(join(folder, 'tls.crt'), pair.certificate);
  if (pair.privateKey !== undefined) await writeFile(join(folder, 'tls.key'), pair.privateKey);
}

function open(more: Partial<FileSourceOptions> = {}): CertificateSource {
  source = createFileSource({
    certificateFile: join(folder, 'tls.crt'),
    privateKeyFile: join(folder, 'tls.key'),
    onEvent: log.onEvent,
    pollMs: 3_600_000,
    settleMs: 10,
    ...more,
  });
  return source;
}

describe('certificate files', () => {
  test('are served, with the bundle when there is one', async () => {
    await writePair(first);
    await writeFile(join(folder, 'ca.crt'), authority.certificate);
    const serving = await open({ bundleFile: join(folder, 'ca.crt') }).start();
    expect(serving).toMatchObject({
      certificate: first.certificate,
      privateKey: first.privateKey,
      bundle: authority.certificate,
    });
    expect(serving.notAfter.getTime()).toBe(validityOf(first.certificate).notAfterMs);
    expect(source?.health()).toEqual({ ready: true, reason: expect.stringContaining('serving the pair in') });
  });

  test.each([
    ['the watch alone', { pollMs: 3_600_000 }],
    ['the poll alone', { pollMs: 20, settleMs: 3_600_000 }],
  ])('swapped by kubelet are noticed by %s', async (_, more) => {
    await mountSecret(1, first);
    const seen: ServingCertificate[] = [];
    open(more).onChange((next) => seen.push(next));
    expect((await source?.start())?.certificate).toBe(first.certificate);
    const changed = log.next('pair-loaded');
    await mountSecret(2, second);
    await changed;
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ certificate: second.certificate, privateKey: second.privateKey });
  });

  test('replaced one after the other keep the last good pair until both fit', async () => {
    await writePair(first);
    const seen: ServingCertificate[] = [];
    open().onChange((next) => seen.push(next));
    await source?.start();
    const invalid = log.next('pair-invalid');
    await writePair({ certificate: second.certificate });
    expect((await invalid).detail).toMatch(/^private key file '.*tls\.key': does not belong to the certificate in '/);
    expect(seen).toEqual([]);
    expect(source?.health()).toEqual({ ready: true, reason: expect.stringContaining('serving the last good pair') });
    const loaded = log.next('pair-loaded');
    await writePair({ privateKey: second.privateKey });
    await loaded;
    expect(seen.map(({ certificate }) => certificate)).toEqual([second.certificate]);
    expect(source?.health()).toEqual({ ready: true, reason: expect.stringContaining('serving the pair in') });
  });

  test('that vanish keep the last good pair', async () => {
    await writePair(first);
    await open().start();
    const invalid = log.next('pair-invalid');
    await rm(join(folder, 'tls.crt'));
    expect((await invalid).detail).toMatch(/^cannot read '.*tls\.crt': ENOENT/);
    expect(source?.health().ready).toBe(true);
  });

  test('looked at again with the same content change nothing', async () => {
    await writePair(first);
    const seen: ServingCertificate[] = [];
    const looked = Promise.withResolvers<void>();
    let looks = 0;
    const clock = (): Date => {
      looks += 1;
      if (looks === 5) looked.resolve();
      return new Date();
    };
    open({ pollMs: 5, clock }).onChange((next) => seen.push(next));
    await source?.start();
    await looked.promise;
    expect(seen).toEqual([]);
  });

  test('are not ready once the served certificate has expired', async () => {
    await writePair(first);
    let now = new Date();
    await open({ clock: () => now, pollMs: 5 }).start();
    const invalid = log.next('pair-invalid');
    now = new Date(now.getTime() + 2 * dayMs);
    expect((await invalid).detail).toContain('the certificate expired on');
    expect(source?.health()).toEqual({ ready: false, reason: expect.stringContaining('expired on') });
  });
});

/** A certificate that openssl signs itself, with these extensions. */
async function selfSigned(...extensions: readonly string[]): Promise<KeyedCertificate> {
  const [key, certificate] = ['own.key', 'own.crt'].map((name) => join(folder, name));
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'].concat(
      ['-keyout', key ?? '', '-out', certificate ?? '', '-subj', '/CN=localhost'],
      extensions.flatMap((extension) => ['-addext', extension]),
    ),
    { stdio: 'ignore' },
  );
  return { certificate: await readFile(certificate ?? '', 'utf8'), privateKey: await readFile(key ?? '', 'utf8') };
}

describe('a certificate that every API server would refuse', () => {
  test.each<[string, readonly string[], string]>([
    ['names its host as common name alone', [], 'the certificate names no host (subjectAltName)'],
    [
      'is for clients alone',
      ['subjectAltName=DNS:localhost', 'extendedKeyUsage=clientAuth'],
      'the certificate is not for servers: its extended key usage lacks serverAuth',
    ],
  ])(
    'because it %s is not served at the start, and later leaves the last good pair in use',
    async (_, extensions, flaw) => {
      const refused = await selfSigned(...extensions);
      await writePair(refused);
      await expect(open().start()).rejects.toThrow(flaw);
      await writePair(first);
      await open().start();
      const invalid = log.next('pair-invalid', 0, flaw);
      await writePair(refused);
      await invalid;
      expect(source?.health()).toEqual({ ready: true, reason: expect.stringContaining('serving the last good pair') });
    },
  );

  test.each([
    ['for servers and clients', ['subjectAltName=DNS:localhost', 'extendedKeyUsage=clientAuth,serverAuth']],
    ['for anything', ['subjectAltName=IP:127.0.0.1', 'extendedKeyUsage=anyExtendedKeyUsage']],
    ['that does not say for what', ['subjectAltName=DNS:localhost']],
  ])('is none %s', async (_, extensions) => {
    const own = await selfSigned(...extensions);
    await writePair(own);
    expect((await open().start()).certificate).toBe(own.certificate);
  });

  test('is none that a clock which is some minutes behind takes for one of the future', async () => {
    await writePair(first);
    const behind = validityOf(first.certificate).notBeforeMs - 4 * 60_000;
    expect((await open({ clock: () => new Date(behind) }).start()).certificate).toBe(first.certificate);
  });
});

describe('start rejects', () => {
  const encrypted = (): string =>
    execFileSync('openssl', ['pkcs8', '-topk8', '-passout', 'pass:secret'], {
      input: first.privateKey,
      encoding: 'utf8',
    });
  test.each<[string, () => Partial<KeyedCertificate>, RegExp]>([
    ['no files', () => ({}), /^cannot read '.*tls\.crt': ENOENT/],
    ['no key', () => ({ certificate: first.certificate }), /^cannot read '.*tls\.key': ENOENT/],
    [
      'an empty certificate',
      () => ({ ...first, certificate: '' }),
      /^certificate file '.*': no PEM certificate found$/,
    ],
    ['half a certificate', () => ({ ...first, certificate: first.certificate.slice(0, 99) }), /: a PEM certificate/],
    ['a garbled key', () => ({ ...first, privateKey: 'hush' }), /^private key file '.*': is not an unencrypted PEM/],
    ['an encrypted key', () => ({ ...first, privateKey: encrypted() }), /: is not an unencrypted PEM private key$/],
    ["another's key", () => ({ ...first, privateKey: second.privateKey }), /: does not belong to the certificate in '/],
    ['one of the future', () => future, /^certificate file '.*': the certificate is not valid before 20/],
    ['an expired certificate', () => expired, /^certificate file '.*': the certificate expired on 20/],
  ])('%s', async (_, pair, message) => {
    await writePair(pair());
    const started = open().start();
    await expect(started).rejects.toThrow(message);
    await expect(started).rejects.not.toThrow(/hush|PRIVATE KEY-----/);
    expect(source?.health().ready).toBe(false);
  });

  test('a CA file without certificates', async () => {
    await writePair(first);
    await writeFile(join(folder, 'ca.crt'), '');
    const started = open({ bundleFile: join(folder, 'ca.crt') }).start();
    await expect(started).rejects.toThrow(/^CA file '.*ca\.crt': no PEM certificate found$/);
  });
});

test('a directory that cannot be watched is told, and polled', async () => {
  const other = join(folder, 'later');
  open({ certificateFile: join(other, 'tls.crt'), privateKeyFile: join(other, 'tls.key') });
  await expect(source?.start()).rejects.toThrow('ENOENT');
  expect(log.codes()).toContain('watch-unavailable');
});
