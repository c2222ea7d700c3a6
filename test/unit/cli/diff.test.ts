import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { objectMember, type JsonObject } from '../../../src/json/json.ts';
import { forbidden, startFakeCluster, type FakeAnswer, type FakeCluster } from '../../support/builders/fake-cluster.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';
import { injectedPod, installSoundly, namespace, paths } from '../../support/builders/sound-installation.ts';

const folder = mkdtempSync(join(tmpdir(), 'diff-'));
let cluster: FakeCluster;
beforeAll(async () => {
  cluster = await startFakeCluster();
});
afterAll(async () => {
  await cluster.close();
  rmSync(folder, { recursive: true });
});

const creation = '/api/v1/namespaces/shop/pods?dryRun=All';
const optedOut = (pod: JsonObject): boolean =>
  objectMember(objectMember(pod, 'metadata'), 'labels')?.['sidecar.istio.io/inject'] === 'false';
const stored = (pod: JsonObject): FakeAnswer => ({
  status: 201,
  body: { ...pod, metadata: { ...objectMember(pod, 'metadata'), uid: 'u', name: 'web-1' } },
});
const webhook = (inject: (pod: JsonObject) => JsonObject) => (pod: JsonObject) =>
  stored(optedOut(pod) ? pod : inject(pod));

beforeEach(async () => {
  await installSoundly(cluster);
  cluster.objects.set('/api/v1/namespaces/shop', namespace('shop', { 'istio-injection': 'enabled' }));
  cluster.posts.set(creation, webhook(injectedPod));
});

const deployment = (annotations: JsonObject = {}): string =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'shop' },
    spec: {
      template: {
        metadata: { labels: { app: 'web' }, annotations },
        spec: { containers: [{ name: 'app', image: 'app:1' }] },
      },
    },
  });
const diff = (text: string, ...more: string[]) =>
  runCommand(['diff', '-f', '-', '--kubeconfig', cluster.kubeconfig, ...more], text);

test('a webhook that does what the settings say', async () => {
  const { stdout, stderr, code } = await diff(deployment());
  expect([stdout, code]).toEqual(['Deployment/web in shop: no differences (injected)\n', 0]);
  expect(stderr).toContain('compared with the settings in ConfigMap sidecar-injector-system/sidecar-injector-settings');
});

test('a webhook that does nothing', async () => {
  cluster.posts.set(
    creation,
    webhook((pod) => pod),
  );
  const { stdout, code } = await diff(deployment());
  expect(stdout).toMatch(/^Deployment\/web in shop: the webhook does something else/);
  expect(stdout).toMatch(/^ {2}- native sidecar istio-proxy$/m);
  expect(code).toBe(3);
});

test('settings that are to come', async () => {
  const settings = join(folder, 'next.yaml');
  writeFileSync(
    settings,
    'apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec: {proxy: {image: "next:1"}}\n',
  );
  const { stdout, code } = await diff(deployment(), '--settings', settings, '-o', 'json');
  const [found] = JSON.parse(stdout);
  expect(found).toMatchObject({ kind: 'Deployment', name: 'web', namespace: 'shop', same: false });
  expect(found.found.join('\n')).toMatch(/image: next:1 -> /);
  expect(code).toBe(3);
});

describe('refusals', () => {
  const bad = deployment({ 'traffic.sidecar.istio.io/excludeInboundPorts': 'x' });
  const refuse = (message: string) => () => ({ status: 400, body: { message } });

  test('for the same reason are no difference', async () => {
    cluster.posts.set(creation, refuse('admission webhook denied the request: ... (InvalidAnnotation)'));
    const { stdout, code } = await diff(bad);
    expect([stdout.includes('no differences (refused: 400: admission webhook denied'), code]).toEqual([true, 0]);
  });

  test('for another reason, or of one side alone, are', async () => {
    cluster.posts.set(creation, refuse('exceeded quota'));
    const other = await diff(bad);
    expect([other.stdout.includes('the cluster: 400: exceeded quota'), other.code]).toEqual([true, 3]);
    cluster.posts.set(
      creation,
      webhook((pod) => pod),
    );
    const one = await diff(bad);
    expect(one.stdout).toMatch(/here: traffic\.sidecar\.istio\.io\/excludeInboundPorts: .*\(InvalidAnnotation\)/);
    expect([one.stdout.includes('the cluster: the pod is created'), one.code]).toEqual([true, 3]);
  });
});

test('a namespace that nothing selects: the webhook is not asked on either side', async () => {
  cluster.objects.set('/api/v1/namespaces/shop', namespace('shop'));
  cluster.posts.set(creation, stored);
  const { stdout, code } = await diff(deployment());
  expect([stdout, code]).toEqual(['Deployment/web in shop: no differences (not injected: nothing selects it)\n', 0]);
});

test.each<[string, () => void, RegExp]>([
  ['no registration', () => cluster.objects.delete(paths.registration), /no MutatingWebhookConfiguration/],
  ['no namespace', () => cluster.objects.delete('/api/v1/namespaces/shop'), /the cluster has no namespace shop/],
  ['no right', () => cluster.posts.set(creation, () => forbidden('create', 'pods')), /cannot create resource "pods"/],
])('%s is a failure', async (_what, breakIt, expected) => {
  breakIt();
  const { stdout, stderr, code } = await diff(deployment());
  expect([stdout, code]).toEqual(['', 1]);
  expect(stderr).toMatch(expected);
});
