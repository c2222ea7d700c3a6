import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { injectedPod } from '../support/builders/decisions.ts';
import { startAgent, type Agent } from '../support/network/agent.ts';
import { addresses } from '../support/network/pod-namespace.ts';
import { answerOf, createSandbox, type RunningContainer, type Sandbox } from '../support/sidecars/sandbox.ts';
import { applicationPod, applicationUser } from '../support/sidecars/sandboxed-application.ts';
import { selectionOf, snapshotWithShipped } from '../support/sidecars/shipped-sidecars.ts';
import { selfSigned } from '../support/http/self-signed.ts';
import { until } from '../support/waiting.ts';

const host = 'shop.example';
const address = `https://${host}:8443`;
let folder: string;
let ca: string;
let sandbox: Sandbox;
let nginx: RunningContainer;
let app: Agent;
let first: { key: string; cert: string };

const resolve = ['--resolve', `${host}:8443:${addresses.pod.v4}`];
const trusting = () => [...resolve, '--cacert', ca];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tls-terminator-'));
  ca = path.join(folder, 'ca.pem');
  first = selfSigned(host);
  writeFileSync(ca, first.cert);
  const pod = applicationPod(selectionOf(['tls-terminator']));
  sandbox = createSandbox('tls', injectedPod(pod, snapshotWithShipped()), {
    'tls-terminator-certificate': { 'tls.crt': first.cert, 'tls.key': first.key },
  });
  app = await startAgent(sandbox.namespace.name.pod, applicationUser);
  await app.listen({ kind: 'http', port: 8080, host: '127.0.0.1' });
  nginx = sandbox.start('tls-terminator');
  await answerOf(sandbox, nginx, ...trusting(), `${address}/.tls-terminator/ready`);
});

afterAll(async () => {
  await app.stop();
  await sandbox.remove();
  rmSync(folder, { recursive: true });
});

test('real nginx passes requests on and says that they came by TLS', () => {
  const { stdout, stderr, status } = sandbox.curl(...trusting(), `${address}/cart?a=b`);
  expect([status, stderr]).toEqual([0, '']);
  const heard = JSON.parse(stdout) as { url: string; remoteAddress: string; rawHeaders: string[] };
  expect(heard).toMatchObject({ url: '/cart?a=b', remoteAddress: expect.stringContaining('127.0.0.1') });
  const header = (name: string) =>
    heard.rawHeaders[heard.rawHeaders.findIndex((entry) => entry.toLowerCase() === name) + 1];
  expect([header('host'), header('x-forwarded-proto'), header('x-forwarded-for')]).toEqual([
    `${host}:8443`,
    'https',
    addresses.cluster.v4,
  ]);
});

test('takes no older TLS, no plain HTTP and no larger body than allowed', () => {
  const codeOf = (...words: string[]) =>
    sandbox.curl(...trusting(), '--output', '/dev/null', '--write-out', '%{http_code}', ...words).stdout;
  expect(codeOf('--tlsv1.0', '--tls-max', '1.1', '--ciphers', 'DEFAULT@SECLEVEL=0', address)).toBe('000');
  expect(codeOf(`http://${host}:8443`, '--resolve', `${host}:8443:${addresses.pod.v4}`)).toBe('400');
  const body = path.join(folder, 'body');
  writeFileSync(body, Buffer.alloc(1024 * 1024 + 1));
  expect(codeOf('--data-binary', `@${body}`, `${address}/`)).toBe('413');
});

test('runs without rights, with nothing writable but its temporary folder', () => {
  const probe = (command: string) => sandbox.run('tls-terminator', ['sh', '-c', command]).status === 0;
  expect({
    writesRoot: probe('echo x > /x'),
    writesCertificate: probe('echo x > /etc/tls/tls.crt'),
    writesTmp: probe('echo x > /tmp/x'),
  }).toEqual({ writesRoot: false, writesCertificate: false, writesTmp: true });
  expect(nginx.output).not.toMatch(/\[(?:emerg|alert|crit)\]/);
});

test('takes up a renewed certificate while it runs', async () => {
  const pod = applicationPod(selectionOf(['tls-terminator']));
  const injected = injectedPod(pod, snapshotWithShipped());
  // The 30 s between two looks are too long for a test.
  const env = injected.spec.initContainers[0]?.['env'] as { name: string; value: string }[];
  for (const variable of env) if (variable.name === 'RELOAD_SECONDS') variable.value = '1';
  const renewing = createSandbox('renew', injected, {
    'tls-terminator-certificate': { 'tls.crt': first.cert, 'tls.key': first.key },
  });
  try {
    const running = renewing.start('tls-terminator');
    const ready = `${address}/.tls-terminator/ready`;
    await answerOf(renewing, running, ...trusting(), ready);
    const second = selfSigned(host);
    const renewed = path.join(folder, 'renewed.pem');
    writeFileSync(renewed, second.cert);
    renewing.writeFile('tls-terminator-certificate', 'tls.key', second.key);
    renewing.writeFile('tls-terminator-certificate', 'tls.crt', second.cert);
    await answerOf(renewing, running, ...resolve, '--cacert', renewed, ready);
    // The old worker finishes what it has begun.
    await until('the old certificate to be gone', () => renewing.curl(...trusting(), ready).status !== 0 || undefined);
  } finally {
    await renewing.remove();
  }
});

test('ends when it is asked to', async () => {
  expect(await nginx.stop('SIGTERM')).toBe(0);
  await until('the port to be closed', () => sandbox.curl('--insecure', ...resolve, address).status !== 0 || undefined);
});
