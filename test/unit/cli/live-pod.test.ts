import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSnapshot, decide, webhookConfiguration, type JsonObject } from '../../../src/index.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';

const plainPod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', labels: { app: 'web' } },
  spec: { containers: [{ name: 'app', image: 'nginx:1' }] },
};

function injected(pod: JsonObject): unknown {
  const result = createSnapshot();
  if ('problems' in result) throw new Error('the built-in settings are wrong');
  return applyToValue(pod, decide({ pod, namespace: 'shop' }, result.snapshot).operations);
}

interface Webhook {
  clientConfig: { caBundle?: string };
  namespaceSelector: unknown;
}

function configuration(change: (webhooks: Webhook[]) => Webhook[] = (webhooks) => webhooks): unknown {
  const shipped = structuredClone(webhookConfiguration()) as { webhooks: Webhook[] };
  for (const webhook of shipped.webhooks) webhook.clientConfig.caBundle = 'Q0E=';
  return { ...shipped, webhooks: change(shipped.webhooks) };
}

describe('explain --pod', () => {
  let folder = '';
  let objects: Record<string, unknown> = {};
  const server = createServer((request, response) => {
    const object = objects[request.url ?? ''];
    response.writeHead(object === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(object ?? { kind: 'Status', code: 404, reason: 'NotFound', message: 'not found' }));
  });
  const explain = (...more: string[]) =>
    runCommand(['explain', '--pod', 'shop/web', '--kubeconfig', join(folder, 'config'), ...more]);
  const cluster = (pod: unknown, labels: Record<string, string>, webhooks: unknown): void => {
    objects = {
      '/api/v1/namespaces/shop/pods/web': pod,
      '/api/v1/namespaces/shop': {
        metadata: { name: 'shop', labels: { 'kubernetes.io/metadata.name': 'shop', ...labels } },
      },
      '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecar-injector': webhooks,
    };
  };

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    folder = mkdtempSync(join(tmpdir(), 'live-pod-'));
    const { port } = server.address() as AddressInfo;
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'test', user: {} }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    };
    writeFileSync(join(folder, 'config'), JSON.stringify(config));
  });
  afterAll(async () => {
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true });
  });

  test('a pod without sidecar in a namespace that is not enabled', async () => {
    cluster(plainPod, {}, configuration());
    const { stdout, code } = await explain();
    expect(code).toBe(0);
    expect(stdout).toContain('Pod/web, namespace shop (live)\n  it runs without our sidecar\n');
    expect(stdout).toMatch(/would not even call the injector:\n.*istio-injection/);
  });

  test('a pod with our sidecar: what a new one would get', async () => {
    cluster(injected(plainPod), { 'istio-injection': 'enabled' }, configuration());
    const { stdout } = await explain();
    expect(stdout).toContain('it runs with our sidecar');
    expect(stdout).toMatch(/Injection policy: .*inject/);
    expect(stdout).toContain('istio-proxy');
  });

  test.each<[string, unknown, RegExp]>([
    ['no registration', undefined, /no MutatingWebhookConfiguration sidecar-injector/],
    [
      'an entry that is missing',
      configuration((webhooks) => webhooks.slice(1)),
      /no entry namespace\.sidecar-injector\.io/,
    ],
    [
      'an entry without CA bundle',
      configuration((webhooks) => webhooks.map((webhook) => ({ ...webhook, clientConfig: {} }))),
      /no CA bundle yet: every call fails \(failurePolicy Fail\)/,
    ],
    [
      'other selectors',
      configuration((webhooks) => webhooks.map((webhook) => ({ ...webhook, namespaceSelector: {} }))),
      /namespace\.sidecar-injector\.io has other selectors in this cluster than the shipped ones; they decide below/,
    ],
    [
      'other match conditions',
      configuration((webhooks) => webhooks.map((webhook) => ({ ...webhook, matchConditions: [] }))),
      /other match conditions in this cluster; the result below is that of the shipped ones/,
    ],
  ])('says what is wrong with the registration: %s', async (_what, webhooks, expected) => {
    cluster(plainPod, { 'istio-injection': 'enabled' }, webhooks);
    expect((await explain()).stdout).toMatch(expected);
  });

  test.each([
    [{ team: 'shop' }, /Webhook selectors: {2}yes, entry namespace\.sidecar-injector\.io matches/],
    [{ team: 'ops' }, /requires that the namespace's label team is "shop"; it is "ops"/],
  ])('the selectors of the live registration decide: %j', async (labels, expected) => {
    const live = configuration((webhooks) =>
      webhooks.map((webhook) => ({ ...webhook, namespaceSelector: { matchLabels: { team: 'shop' } } })),
    );
    cluster(plainPod, labels, live);
    expect((await explain()).stdout).toMatch(expected);
  });

  describe('settings and sidecars', () => {
    const service = '/api/v1/namespaces/sidecar-injector-system/services/sidecar-injector';
    const deployments = '/apis/apps/v1/namespaces/sidecar-injector-system/deployments';
    const configMap = (name: string) => `/api/v1/namespaces/sidecar-injector-system/configmaps/${name}`;
    const settings = (level: string) =>
      `apiVersion: sidecar-injector.io/v1alpha1\nkind: InjectorConfiguration\nspec: {proxy: {logLevel: ${level}}}\n`;
    const template = [
      'apiVersion: sidecar-injector.io/v1alpha1',
      'kind: SidecarTemplate',
      'metadata: {name: shipper}',
      'spec: {description: Ships., containers: [{name: shipper, image: shipper:1}]}',
    ].join('\n');
    const labels = { app: 'sidecar-injector' };
    const deployed = (args: readonly string[]): unknown => ({
      metadata: { name: 'renamed' },
      spec: {
        template: {
          metadata: { labels: { ...labels, more: 'x' } },
          spec: {
            containers: [
              {
                name: 'injector',
                args: ['serve', ...args],
                volumeMounts: [
                  { name: 'settings', mountPath: '/etc/injector' },
                  { name: 'sidecars', mountPath: '/etc/injector/sidecars/' },
                  { name: 'secret', mountPath: '/etc/secret' },
                ],
              },
            ],
            volumes: [
              { name: 'settings', configMap: { name: 'settings-5g7' } },
              { name: 'sidecars', configMap: { name: 'sidecars', optional: true } },
              { name: 'secret', secret: { secretName: 's' } },
            ],
          },
        },
      },
    });
    const shipped = ['--settings', '/etc/injector/settings.yaml', '--sidecars=/etc/injector/sidecars'];
    const install = (args: readonly string[], more: Record<string, unknown> = {}): void => {
      cluster(plainPod, { 'istio-injection': 'enabled' }, configuration());
      objects = {
        ...objects,
        [service]: { spec: { selector: labels } },
        [deployments]: { items: [{ spec: { template: { metadata: { labels }, spec: {} } } }, deployed(args)] },
        [configMap('settings-5g7')]: { data: { 'settings.yaml': settings('debug'), 'other.yaml': settings('trace') } },
        ...more,
      };
    };

    test('are those of the ConfigMaps that the injector of the cluster reads', async () => {
      const more = {
        [configMap('sidecars')]: { data: { 'shipper.yaml': template, README: 'no: [yaml' } },
      };
      install(shipped, more);
      const { stdout, code } = await explain();
      expect(stdout).toContain(
        'the injection policy below is that of the settings in ConfigMap sidecar-injector-system/settings-5g7 ' +
          'and the sidecars in ConfigMap sidecar-injector-system/sidecars\n',
      );
      expect(stdout).toMatch(/proxy\.logLevel +debug +from the settings/);
      expect(code).toBe(0);
    });

    test('an option decides before them', async () => {
      install(shipped);
      const own = join(folder, 'own.yaml');
      writeFileSync(own, settings('error'));
      const { stdout } = await explain('--settings', own);
      expect(stdout).toContain('below is that of no declared sidecars (--sidecars names others)\n');
      expect(stdout).toMatch(/proxy\.logLevel +error +from the settings/);
    });

    test.each<[string, readonly string[], Record<string, unknown>, string]>([
      [
        'an injector without files',
        [],
        {},
        'is that of the built-in settings (--settings names others) and no declared',
      ],
      ['files that are in no ConfigMap', ['--settings', '/etc/secret/x.yaml'], {}, 'the built-in settings (--settings'],
      ['no Service', [], { [service]: undefined }, 'sidecar-injector is not there or selects no pods'],
      ['no Deployment', [], { [deployments]: { items: [] } }, 'no Deployment behind Service'],
      ['a user who may not read them', [], { [deployments]: undefined }, 'the API server answered 404'],
    ])('are the built-in ones otherwise, and that is said: %s', async (_what, args, more, expected) => {
      install(args, more);
      expect((await explain()).stdout).toContain(expected);
    });

    test('wrong ones fail as they do in the server', async () => {
      install(shipped, { [configMap('settings-5g7')]: { data: { 'settings.yaml': settings('loud') } } });
      expect(await explain()).toMatchObject({ code: 1, stderr: expect.stringMatching(/settings\.yaml: .*logLevel/) });
    });
  });

  test('a pod that is not there', async () => {
    cluster(undefined, {}, configuration());
    expect(await explain()).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('no pod shop/web') });
  });
});
