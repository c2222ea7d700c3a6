import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { forbidden, listOf, startFakeCluster, type FakeCluster } from '../../support/builders/fake-cluster.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';
import { installSoundly, paths, shippedSettings } from '../../support/builders/sound-installation.ts';

const system = '/api/v1/namespaces/sidecar-injector-system';
const secret = 'hunter2-hunter2';
const token = `eyJhbGciOiJSUzI1NiJ9.${'e30'.repeat(8)}.sig-${secret}`;
let folder: string;
let cluster: FakeCluster;
beforeAll(async () => {
  cluster = await startFakeCluster();
});
beforeEach(async () => {
  cluster.requests.length = 0;
  folder = mkdtempSync(join(tmpdir(), 'bugreport-'));
  await installSoundly(cluster);
});
afterAll(() => cluster.close());

const report = (file = 'report.tar.gz') =>
  runCommand(['bugreport', '--kubeconfig', cluster.kubeconfig, '--file', join(folder, file)]);

/** Unpacks it with the machine's own tar, and returns all texts by name. */
function unpack(): ReadonlyMap<string, string> {
  execFileSync('tar', ['-xzf', 'report.tar.gz'], { cwd: folder });
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile() && one.name !== 'report.tar.gz')
    .map((one) => join(one.parentPath, one.name));
  return new Map(names.map((name) => [name.slice(folder.length + 1), readFileSync(name, 'utf8')]));
}

test('one archive has everything, and nothing that is confidential', async () => {
  const pod: JsonObject = {
    metadata: {
      name: 'one',
      labels: { app: 'sidecar-injector' },
      annotations: {
        'kubectl.kubernetes.io/last-applied-configuration': secret,
        'sidecar.istio.io/status': JSON.stringify({ templates: ['sidecar'], undo: { overrides: [secret] } }),
      },
      managedFields: [{ manager: secret }],
    },
    spec: {
      containers: [
        {
          name: 'injector',
          args: ['serve'],
          env: [{ name: 'PASSWORD', value: secret }],
          livenessProbe: { httpGet: { httpHeaders: [{ name: 'Authorization', value: secret }] } },
        },
      ],
    },
  };
  const template = `${shippedSettings}---
apiVersion: sidecar-injector.io/v1alpha1
kind: SidecarTemplate
metadata: {name: shipper}
spec:
  annotations: {a.sidecar-injector.io/conf: "x\\n${secret}"}
  containers: [{name: c, image: i, args: [--password=${secret}], env: [{name: P, value: ${secret}}]}]
`;
  cluster.objects.set(paths.replicas, listOf(pod));
  cluster.objects.set(`${system}/configmaps`, {
    ...(listOf({ metadata: { name: 'sidecar-injector-sidecars' }, data: { 'a.yaml': template } }) as object),
  });
  cluster.objects.set(`${system}/events`, listOf({ type: 'Warning', reason: 'Bad', message: `Bearer ${secret}` }));
  cluster.objects.set(`${system}/pods/one/log`, { status: 200, body: `{"a":1}\n{"token":"${token}"}\n` });
  const { stdout, code } = await report();
  expect([stdout.includes('read them before you pass them on'), code]).toEqual([true, 0]);
  expect(statSync(join(folder, 'report.tar.gz')).mode & 0o777).toBe(0o600);
  const files = unpack();
  expect([...files.keys()]).toEqual(
    expect.arrayContaining([
      'README.txt',
      'check.txt',
      'check.json',
      'registration.yaml',
      'deployments.yaml',
      'pods.yaml',
      'events.txt',
      'namespaces.txt',
      'configmaps/sidecar-injector-sidecars/a.yaml',
      'logs/one.log',
    ]),
  );
  const all = [...files.values()].join('\n');
  expect(all).not.toContain(secret);
  expect(all).not.toMatch(/PRIVATE KEY|eyJ/);
  expect(all.match(/\(removed\)/g)?.length).toBeGreaterThanOrEqual(8);
  expect(files.get('pods.yaml')).toContain('name: PASSWORD');
  expect(files.get('logs/one.log')).toContain('{"a":1}');
  expect(cluster.requests.filter((request) => request.includes('/secrets')).length).toBe(1);
  expect(cluster.requests.filter((request) => request === `GET ${system}/pods?limit=500`)).toHaveLength(1);
  rmSync(folder, { recursive: true });
});

test('of somebody else’s pod in the namespace neither commands nor logs are told', async () => {
  const container = { name: 'debug', command: ['sh'], args: [`--password=${secret}`] };
  const pod = { metadata: { name: 'guest', labels: { app: 'guest' } }, spec: { containers: [container] } };
  cluster.objects.set(paths.replicas, listOf(pod));
  cluster.objects.set(`${system}/pods/guest/log`, { status: 200, body: `${secret}\n` });
  expect((await report()).code).toBe(0);
  const files = unpack();
  expect([...files.keys()].filter((name) => name.startsWith('logs/'))).toEqual([]);
  expect(files.get('pods.yaml')).toContain('name: guest');
  expect([...files.values()].join('\n')).not.toContain(secret);
  rmSync(folder, { recursive: true });
});

describe('logs', () => {
  const own = (...containers: readonly string[]): JsonObject => ({
    metadata: { name: 'one', labels: { app: 'sidecar-injector' } },
    spec: { containers: containers.map((name) => ({ name })) },
  });
  const line = `MIIE${secret.replaceAll('-', '')}`;

  test.each<[string, string]>([
    ['over several lines', `before\n-----BEGIN PRIVATE KEY-----\n${line}\n${line}\n-----END PRIVATE KEY-----\nafter\n`],
    ['whose begin is not among the last lines', `${line}\n${line}\n-----END RSA PRIVATE KEY-----\nafter\n`],
    ['whose end is not written yet', `before\n-----BEGIN EC PRIVATE KEY-----\n${line}\n${line}\n`],
  ])('hold no key %s', async (_what, body) => {
    cluster.objects.set(paths.replicas, listOf(own('injector')));
    cluster.objects.set(`${system}/pods/one/log`, { status: 200, body });
    await report();
    const text = unpack().get('logs/one.log') ?? '';
    expect(text).not.toContain(line);
    expect(text).toMatch(/^(?:before\n)?\(removed\)\n(?:after\n)?$/);
    rmSync(folder, { recursive: true });
  });

  test('are told as far as they go where the last line is cut off', async () => {
    cluster.objects.set(paths.replicas, listOf(own('injector')));
    cluster.objects.set(`${system}/pods/one/log`, { status: 200, body: 'why it died\nhalf a li' });
    expect((await report()).code).toBe(0);
    expect(unpack().get('logs/one.log')).toMatch(/^why it died\n\(cut off: .*the answer ends within a line\)\n$/);
    rmSync(folder, { recursive: true });
  });

  test('are there of every container of a pod, each asked for by its name', async () => {
    cluster.objects.set(paths.replicas, listOf(own('injector', 'istio-proxy')));
    cluster.objects.set(`${system}/pods/one/log`, { status: 200, body: 'a line\n' });
    cluster.requests.length = 0;
    await report();
    const names = [...unpack().keys()].filter((name) => name.startsWith('logs/'));
    expect(names.toSorted()).toEqual(['logs/one.injector.log', 'logs/one.istio-proxy.log']);
    expect(cluster.requests.filter((request) => request.includes('/log?'))).toEqual([
      `GET ${system}/pods/one/log?container=injector&tailLines=5000`,
      `GET ${system}/pods/one/log?container=istio-proxy&tailLines=5000`,
    ]);
    rmSync(folder, { recursive: true });
  });
});

const pem = [
  '-----BEGIN EC PRIVATE KEY-----',
  `MHcCAQEEI${'A'.repeat(55)}`,
  'AwEHoUQDQgAE==',
  '-----END EC PRIVATE KEY-----',
];

test.each<[string, string, string]>([
  ['a key over several lines', `start\n${pem.join('\n')}\nend`, 'start\n(removed)\nend'],
  [
    'a key that is cut, and what follows',
    `start\n${pem.slice(0, 2).join('\n')}\n{"level":"info"}`,
    'start\n(removed)\n{"level":"info"}',
  ],
  ['a key in JSON', `{"key":"${pem.join('\\n')}\\n","a":1}`, '{"key":"(removed)\\n","a":1}'],
  [
    'a password of an address',
    `GET https://joe:${secret}@registry.example:5000/v2`,
    'GET https://(removed)@registry.example:5000/v2',
  ],
  ['a query', `GET /x?token=${secret}&page=2`, 'GET /x?token=(removed)&page=2'],
  ['a member of JSON', `{"dbPassword":"${secret}","a":"b"}`, '{"dbPassword":"(removed)","a":"b"}'],
  ['a member of JSON in JSON', `"{\\"apiKey\\": \\"${secret}\\"}"`, '"{\\"apiKey\\": \\"(removed)\\"}"'],
  [
    'nothing of a name',
    'Secret sidecar-injector-ca: secretName=web-tls',
    'Secret sidecar-injector-ca: secretName=web-tls',
  ],
])('a log is without %s', async (_what, text, expected) => {
  cluster.objects.set(
    paths.replicas,
    listOf({
      metadata: { name: 'one', labels: { app: 'sidecar-injector' } },
      spec: { containers: [{ name: 'injector' }] },
    }),
  );
  cluster.objects.set(`${system}/pods/one/log`, { status: 200, body: `${text}\n` });
  await report();
  expect(unpack().get('logs/one.log')).toBe(`${expected}\n`);
  rmSync(folder, { recursive: true });
});

test('what others run in the namespace, and what settings call a secret, is not told', async () => {
  const container = { name: 'c', image: 'i', command: ['redis', secret], args: [`--requirepass`, secret] };
  const strange = { metadata: { name: 'redis' }, spec: { template: { spec: { containers: [container] } } } };
  const settings = `kind: InjectorConfiguration
spec:
  providers: [{tracing: {accessToken: ${secret}, port: 9411}}, {initialMetadata: [{name: x-key, value: ${secret}}]}]
  imagePullSecrets: [regcred]
  patches: [{op: add, path: /x, value: [{name: P, value: ${secret}}]}]
  tls: {secretName: web-tls, clientSecret: ${secret}}
  metadata: {annotations: {log-shipper.sidecar-injector.io/password: ${secret}, sidecar.istio.io/proxyCPU: 100m}}
`;
  const own = {
    metadata: { name: 'sidecar-injector', labels: { app: 'sidecar-injector' } },
    spec: { containers: [{ args: ['serve'] }] },
  };
  cluster.objects.set(paths.replicas, listOf(strange, own));
  cluster.objects.set(
    `${system}/configmaps`,
    listOf({ metadata: { name: 'sidecar-injector-settings' }, data: { 'settings.yaml': settings } }),
  );
  await report();
  const files = unpack();
  expect([...files].filter(([, text]) => text.includes(secret)).map(([name]) => name)).toEqual([]);
  expect(files.get('pods.yaml')).toContain('- serve');
  const told = files.get('configmaps/sidecar-injector-settings/settings.yaml');
  for (const text of ['port: 9411', '- regcred', 'secretName: web-tls', 'proxyCPU: 100m']) expect(told).toContain(text);
  rmSync(folder, { recursive: true });
});

test('passwords of URLs are taken out of settings, Events and logs', async () => {
  const url = `http://me:${secret}@collector:4318/x`;
  const settings = shippedSettings.replace('spec: {}', `spec: {tracing: {endpoint: "${url}"}}`);
  const metadata = { name: 'sidecar-injector-settings' };
  cluster.objects.set(`${system}/configmaps`, listOf({ metadata, data: { 'settings.yaml': settings } }));
  cluster.objects.set(`${system}/events`, listOf({ type: 'Warning', reason: 'Bad', message: `cannot reach ${url}` }));
  await report();
  const files = unpack();
  expect([...files.values()].join('\n')).not.toContain(secret);
  expect(files.get('events.txt')).toContain('cannot reach http://(removed)@collector:4318/x');
  rmSync(folder, { recursive: true });
});

test('without the right to list pods there are no logs, and the rest is there', async () => {
  cluster.objects.set(paths.replicas, forbidden('list', 'pods'));
  const { stderr, code } = await report();
  expect(stderr.match(/not collected: .*cannot list resource "pods"/g)).toHaveLength(1);
  expect(code).toBe(0);
  const names = [...unpack().keys()];
  expect(names).toContain('deployments.yaml');
  expect(names.filter((name) => /pods|logs/.test(name))).toEqual([]);
  rmSync(folder, { recursive: true });
});

test('what a right is missing for is left out and said', async () => {
  cluster.objects.set(`${system}/events`, forbidden('list', 'events'));
  const { stderr, code } = await report();
  expect(stderr).toContain('warning: not collected: ');
  expect(stderr).toContain('cannot list resource "events"');
  expect(code).toBe(0);
  expect(unpack().get('README.txt')).toContain('cannot list resource "events"');
  rmSync(folder, { recursive: true });
});

test('no file is overwritten', async () => {
  await report();
  const { stderr, code } = await report();
  expect([stderr.includes('report.tar.gz cannot be written: it is there already'), code]).toEqual([true, 1]);
  rmSync(folder, { recursive: true });
});
