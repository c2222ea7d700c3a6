import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  createAuthority,
  issueLeaf,
  type KeyedCertificate,
  localNames,
  serviceNames,
} from '../../../src/certs/authority.ts';
import { dayMs, hourMs, minuteMs } from '../../../src/certs/durations.ts';
import { createSelfCheck } from '../../../src/certs/self-check.ts';
import { listenTls } from './fake-cluster.ts';

const run = promisify(execFile);
const names = serviceNames('sidecar-injector', 'sidecar-injector-system');
const hostname = 'sidecar-injector.sidecar-injector-system.svc';
const now = new Date(Math.floor(Date.now() / 1000) * 1000);

let authority: KeyedCertificate;
let leaf: Awaited<ReturnType<typeof issueLeaf>>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'authority-'));
  authority = await createAuthority({ now, lifetimeMs: 365 * dayMs });
  leaf = await issueLeaf({ authority, names, now, lifetimeMs: 7 * dayMs });
  await writeFile(join(folder, 'ca.crt'), authority.certificate);
  await writeFile(join(folder, 'leaf.crt'), leaf.certificate);
});

afterAll(() => rm(folder, { recursive: true }));

async function openssl(...args: string[]): Promise<string> {
  return (await run('openssl', args, { cwd: folder })).stdout;
}

describe('the CA, as openssl reads it', () => {
  test('may sign certificates and nothing else', async () => {
    const text = await openssl('x509', '-in', 'ca.crt', '-noout', '-text');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:TRUE, pathlen:0\s/);
    expect(text).toMatch(/Key Usage: critical\s+Certificate Sign\s/);
    expect(text).toMatch(/Subject Key Identifier:\s+(?:[0-9A-F]{2}:){19}[0-9A-F]{2}/);
    expect(text).toContain('Public-Key: (2048 bit)');
    expect(text).toContain('Signature Algorithm: sha256WithRSAEncryption');
  });

  test('is valid from an hour ago', () => {
    const { validFromDate, validToDate } = new X509Certificate(authority.certificate);
    expect(validFromDate.toISOString()).toBe(new Date(now.getTime() - hourMs).toISOString());
    expect(validToDate.toISOString()).toBe(new Date(now.getTime() + 365 * dayMs).toISOString());
  });

  test('has a subject of its own in every generation', async () => {
    const other = await createAuthority({ now, lifetimeMs: dayMs });
    expect(new X509Certificate(other.certificate).subject).not.toBe(new X509Certificate(authority.certificate).subject);
  });
});

describe('the leaf, as openssl reads it', () => {
  test('is a server certificate for the Service names, signed by the CA', async () => {
    const text = await openssl('x509', '-in', 'leaf.crt', '-noout', '-text');
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/);
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature, Key Encipherment\s/);
    expect(text).toMatch(/Extended Key Usage:\s+TLS Web Server Authentication\s/);
    const alternatives = names.dns.map((name) => `DNS:${name}`).join(', ');
    expect(text).toContain(alternatives);

    const identifier = (extension: string, of: string): string | undefined =>
      new RegExp(`${extension} Key Identifier:\\s+(?:keyid:)?([0-9A-F:]{59})`).exec(of)?.[1];
    const caText = await openssl('x509', '-in', 'ca.crt', '-noout', '-text');
    expect(identifier('Authority', text)).toBe(identifier('Subject', caText));
    expect(identifier('Authority', text)).toBeDefined();
  });

  test('passes a strict verification', async () => {
    const flags = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', hostname];
    expect(await openssl('verify', ...flags, '-CAfile', 'ca.crt', 'leaf.crt')).toContain('leaf.crt: OK');
  });

  test.each(['sidecar-injector.other.svc', 'sidecar-injector'])('is not valid for %s', async (name) => {
    await expect(openssl('verify', '-verify_hostname', name, '-CAfile', 'ca.crt', 'leaf.crt')).rejects.toThrow(
      /hostname mismatch/i,
    );
  });

  test('has a random, positive serial of 16 bytes', async () => {
    const other = await issueLeaf({ authority, names, now, lifetimeMs: dayMs });
    const serials = [leaf, other, authority].map(({ certificate }) => new X509Certificate(certificate).serialNumber);
    expect(new Set(serials).size).toBe(3);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
  });

  test('begins five minutes ago and ends when asked', () => {
    expect(leaf.notBefore.toISOString()).toBe(new Date(now.getTime() - 5 * minuteMs).toISOString());
    expect(leaf.notAfter.toISOString()).toBe(new Date(now.getTime() + 7 * dayMs).toISOString());
  });

  test('never outlives its CA', async () => {
    const late = new Date(now.getTime() + 364 * dayMs);
    const { notAfter } = await issueLeaf({ authority, names, now: late, lifetimeMs: 7 * dayMs });
    expect(notAfter.toISOString()).toBe(new X509Certificate(authority.certificate).validToDate.toISOString());
  });

  test('is valid for the own machine in development', async () => {
    const local = await issueLeaf({ authority, names: localNames, now, lifetimeMs: dayMs });
    const x509 = new X509Certificate(local.certificate);
    expect([x509.checkHost('localhost'), x509.checkIP('127.0.0.1'), x509.checkIP('::1')]).not.toContain(undefined);
  });
});

describe('no leaf comes', () => {
  test('from an expired CA', async () => {
    const late = new Date(now.getTime() + 366 * dayMs);
    const issued = issueLeaf({ authority, names, now: late, lifetimeMs: dayMs });
    await expect(issued).rejects.toThrow(/^the CA expired on /);
  });

  test("from a CA with another's key", async () => {
    const mixed = { certificate: authority.certificate, privateKey: leaf.privateKey };
    const issued = issueLeaf({ authority: mixed, names, now, lifetimeMs: dayMs });
    await expect(issued).rejects.toThrow('do not belong together');
  });
});

describe('a TLS handshake with ourselves', () => {
  test('succeeds through the own bundle and fails through any other', async () => {
    const other = await createAuthority({ now, lifetimeMs: dayMs });
    const listener = await listenTls(leaf);
    try {
      const verify = createSelfCheck({ host: '127.0.0.1', port: listener.port, servername: hostname });
      await verify(authority.certificate);
      await verify(other.certificate + authority.certificate);
      await expect(verify(other.certificate)).rejects.toThrow(
        /TLS handshake with 127.0.0.1:\d+ as '.*' failed: unable/,
      );
      const misnamed = createSelfCheck({ host: '127.0.0.1', port: listener.port, servername: 'other.ns.svc' });
      await expect(misnamed(authority.certificate)).rejects.toThrow(/does not match certificate's altnames/);
    } finally {
      await listener.close();
    }
  });

  test('fails when nobody listens, and when nobody answers', async () => {
    const listener = await listenTls(leaf);
    await listener.close();
    const refused = createSelfCheck({ host: '127.0.0.1', port: listener.port, servername: hostname });
    await expect(refused(authority.certificate)).rejects.toThrow('ECONNREFUSED');

    const silent = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = silent.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const verify = createSelfCheck({ host: '127.0.0.1', port, servername: hostname, timeoutMs: 50 });
    await expect(verify(authority.certificate)).rejects.toThrow('no answer within 50 ms');
    silent.close();
    await once(silent, 'close');
  });
});
