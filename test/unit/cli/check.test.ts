import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { root } from '../../../scripts/checkout.ts';
import { createAuthority } from '../../../src/certs/authority.ts';
import { dayMs } from '../../../src/certs/durations.ts';
import { sections } from '../../../src/cli/commands/check/sections.ts';
import { walk } from '../../../src/cli/commands/check/walk.ts';
import { anchorOf } from '../../../src/cli/commands/check/anchor.ts';
import { viewCluster } from '../../../src/cli/commands/check/cluster.ts';
import { connect } from '../../../src/kubernetes/client.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { forbidden, listOf, startFakeCluster, type FakeCluster } from '../../support/builders/fake-cluster.ts';
import { runCommand } from '../../support/builders/recorded-io.ts';
import {
  injectedPod,
  installSoundly,
  namespace,
  paths,
  runningPod,
  shippedSettings,
} from '../../support/builders/sound-installation.ts';

interface Result {
  readonly id: string;
  readonly status: string;
  readonly found: readonly string[];
  readonly hint?: string;
}

let cluster: FakeCluster;
beforeAll(async () => {
  cluster = await startFakeCluster();
});
beforeEach(() => installSoundly(cluster));
afterAll(() => cluster.close());

async function check(...more: string[]): Promise<{ readonly results: readonly Result[]; readonly code: number }> {
  const { stdout, code } = await runCommand(['check', '--kubeconfig', cluster.kubeconfig, '-o', 'json', ...more]);
  return { results: JSON.parse(stdout) as Result[], code: code ?? -1 };
}

async function resultOf(id: string): Promise<Result | undefined> {
  return (await check()).results.find((one) => one.id === id);
}

function useSettings(spec: object): void {
  const kind = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration' };
  change(paths.settings, (one) => (one.data['settings.yaml'] = JSON.stringify({ ...kind, spec })));
}

function change(at: string, edit: (object: any) => void): void {
  const object = structuredClone(cluster.objects.get(at));
  edit(object);
  cluster.objects.set(at, object);
}

test('a kubeconfig whose plugin is absent is to be mended, and waiting for it is of no use', async () => {
  const config = JSON.parse(readFileSync(cluster.kubeconfig, 'utf8')) as { readonly users: readonly object[] };
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'no-such-plugin' };
  const folder = mkdtempSync(path.join(tmpdir(), 'check-'));
  const file = path.join(folder, 'kubeconfig');
  writeFileSync(file, JSON.stringify({ ...config, users: config.users.map((one) => ({ ...one, user: { exec } })) }));
  const { stdout, stderr, code } = await runCommand(['check', '--kubeconfig', file, '-o', 'json', '--wait', '1h']);
  rmSync(folder, { recursive: true });
  expect(JSON.parse(stdout)).toMatchObject([
    {
      id: 'api-server',
      status: 'unknown',
      found: [expect.stringContaining("its exec plugin 'no-such-plugin' is not installed")],
      hint: 'mend the kubeconfig, or name another one with --kubeconfig',
    },
  ]);
  expect([stderr, code]).toEqual(['', 1]);
});

describe('a sound installation', () => {
  test('passes every check, and nothing is written to it', async () => {
    cluster.requests.length = 0;
    const { results, code } = await check();
    expect(results.filter(({ status }) => status !== 'good')).toEqual([]);
    expect([results.length, code]).toEqual([sections.flatMap(({ checks }) => checks).length, 0]);
    const writes = cluster.requests.filter((request) => !request.startsWith('GET '));
    expect(writes.filter((one) => !one.includes('dryRun=All') && !one.includes('subjectaccessreviews'))).toEqual([]);
  });

  test('is shown in sections with marks and a sum', async () => {
    const { stdout, code } = await runCommand(['check', '--kubeconfig', cluster.kubeconfig]);
    expect(stdout).toMatch(/^API server\n-+\n√ the API server answers: Kubernetes 1\.34\n\nRegistration\n/);
    expect(stdout).toContain('√ the CA bundle verifies the certificate of every replica: 2 replicas\n');
    expect(stdout).toContain('√ what sidecars request: namespace shop: cpu 100m, memory 128Mi, 1 pod\n');
    expect(stdout).toMatch(/\n19 checks, 19 good, 0 warnings, 0 failed, 0 could not be asked, 0 skipped\n$/);
    expect(code).toBe(0);
  });

  test('never shows the key of the CA', async () => {
    change(paths.secret, (secret) => (secret.data['ca.crt'] = secret.data['ca.key']));
    const { stdout, stderr } = await runCommand(['check', '--kubeconfig', cluster.kubeconfig]);
    expect(`${stdout}${stderr}`).not.toMatch(/PRIVATE KEY|LS0tLS1CRUdJTiBQUklWQVRF/);
  });
});

test('every check has its paragraph in docs/operations.md', () => {
  const page = readFileSync(path.join(root, 'docs/operations.md'), 'utf8');
  // As GitHub makes anchors of headings.
  const anchors = [...page.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  const wanted = sections.flatMap(({ checks }) => checks.map((one) => anchorOf(one).split('#')[1] ?? ''));
  expect(wanted.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
});

describe('what is wrong is found', () => {
  const enabled = { 'istio-injection': 'enabled' };
  const cases: readonly (readonly [string, string, string, RegExp, () => void])[] = [
    [
      'no registration',
      'registration',
      'failed',
      /no MutatingWebhookConfiguration/,
      () => cluster.objects.delete(paths.registration),
    ],
    [
      'an entry that is missing',
      'registration',
      'failed',
      /no entry object-ignore\.sidecar-injector\.io/,
      () => change(paths.registration, (one) => one.webhooks.pop()),
    ],
    [
      'other selectors',
      'registration',
      'warning',
      /other selectors/,
      () => change(paths.registration, (one) => (one.webhooks[1].objectSelector = {})),
    ],
    [
      'a selector that takes the system',
      'selectors',
      'failed',
      /entry namespace\.sidecar-injector\.io selects pods of namespace kube-system/,
      () => change(paths.registration, (one) => one.webhooks[0].namespaceSelector.matchExpressions.pop()),
    ],
    [
      'an entry without bundle',
      'ca-bundle',
      'failed',
      /entry namespace\.sidecar-injector\.io has no CA bundle/,
      () => change(paths.registration, (one) => delete one.webhooks[0].clientConfig.caBundle),
    ],
    [
      'a Secret without CA',
      'ca-bundle',
      'failed',
      /has no CA yet/,
      () => change(paths.secret, (one) => (one.data = {})),
    ],
    ['no Secret', 'ca-bundle', 'failed', /there is no Secret/, () => cluster.objects.delete(paths.secret)],
    [
      'a right that is missing',
      'rights',
      'failed',
      /sidecar-injector may not update secrets sidecar-injector-ca/,
      () =>
        cluster.posts.set(paths.access, (body) => ({
          status: 201,
          body: { status: { allowed: (body['spec'] as any).resourceAttributes.verb !== 'update' } },
        })),
    ],
    [
      'the right to create Events that is missing',
      'rights',
      'warning',
      /^ServiceAccount sidecar-injector-system\/sidecar-injector may not create events$/,
      () =>
        cluster.posts.set(paths.access, (body) => ({
          status: 201,
          body: { status: { allowed: (body['spec'] as any).resourceAttributes.resource !== 'events' } },
        })),
    ],
    [
      'a replica that is not ready',
      'deployment',
      'failed',
      /1 of 2 replicas are ready/,
      () => change(paths.deployments, (one) => (one.items[0].status.readyReplicas = 1)),
    ],
    [
      'one replica only',
      'deployment',
      'warning',
      /only one replica/,
      () =>
        change(
          paths.deployments,
          (one) => ((one.items[0].spec.replicas = 1), (one.items[0].status.updatedReplicas = 1)),
        ),
    ],
    [
      'no Deployment',
      'deployment',
      'failed',
      /no Deployment behind Service/,
      () => cluster.objects.set(paths.deployments, listOf()),
    ],
    ['no endpoints', 'endpoints', 'failed', /no ready endpoint/, () => cluster.objects.set(paths.slices, listOf())],
    [
      'settings that are not valid',
      'settings',
      'failed',
      /ConfigMap sidecar-injector-system\/sidecar-injector-settings, settings\.yaml: .*spec\.proxy/,
      () =>
        change(
          paths.settings,
          (one) => (one.data['settings.yaml'] = shippedSettings.replace('{}', '{proxy: {nothing: 1}}')),
        ),
    ],
    [
      'a replica of other settings',
      'versions',
      'warning',
      /two runs settings 0{16}, not /,
      () => change(paths.replica('two'), (one) => (one.settingsHash = '0'.repeat(16))),
    ],
    [
      'a replica of another version',
      'versions',
      'warning',
      /two is of version 9\.9\.9, this program of /,
      () => change(paths.replica('two'), (one) => (one.version = '9.9.9')),
    ],
    [
      'a replica that refuses its settings',
      'versions',
      'failed',
      /one refuses the new settings: settings\.yaml: bad/,
      () => change(paths.replica('one'), (one) => (one.refused = ['settings.yaml: bad'])),
    ],
    [
      'a replica that does not answer',
      'replica-certificates',
      'unknown',
      /two: GET .*not found/,
      () => cluster.objects.delete(paths.replica('two')),
    ],
    [
      'a pod that is not injected',
      'dry-run',
      'failed',
      /was created by dry run, and has no sidecar/,
      () => cluster.posts.set('/api/v1/namespaces/shop/pods?dryRun=All', (pod) => ({ status: 201, body: pod })),
    ],
    [
      'a webhook that cannot be called',
      'dry-run',
      'failed',
      /failed calling webhook/,
      () =>
        cluster.posts.set('/api/v1/namespaces/shop/pods?dryRun=All', () => ({
          status: 500,
          body: { message: 'failed calling webhook "namespace.sidecar-injector.io"' },
        })),
    ],
    [
      'Pod Security',
      'pod-security',
      'failed',
      /namespace shop enforces baseline, which refuses container "istio-init": capability NET_ADMIN/,
      () =>
        cluster.objects.set(
          paths.namespaces,
          listOf(namespace('shop', { ...enabled, 'pod-security.kubernetes.io/enforce': 'baseline' })),
        ),
    ],
    [
      'a default of a namespace that has no effect',
      'namespace-defaults',
      'warning',
      /^shop: namespace annotation "sidecar\.istio\.io\/proxyCPU" has no effect: "much" is not a/,
      () =>
        cluster.objects.set(
          paths.namespaces,
          listOf({
            metadata: {
              name: 'shop',
              labels: enabled,
              annotations: { 'sidecar-injector.io/defaults': 'true', 'sidecar.istio.io/proxyCPU': 'much' },
            },
          }),
        ),
    ],
    [
      'a full quota',
      'room',
      'warning',
      /namespace shop: ResourceQuota q has no room for the sidecar of one more pod: limits\.memory/,
      () =>
        cluster.objects.set(
          paths.quotas,
          listOf({
            metadata: { name: 'q', namespace: 'shop' },
            status: {
              hard: { 'limits.memory': '2Gi', 'requests.cpu': '10' },
              used: { 'limits.memory': '1536Mi', 'requests.cpu': '1' },
            },
          }),
        ),
    ],
    [
      'a small LimitRange',
      'room',
      'warning',
      /LimitRange l allows a container less cpu than istio-proxy has as its limit/,
      () =>
        cluster.objects.set(
          paths.ranges,
          listOf({
            metadata: { name: 'l', namespace: 'shop' },
            spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] },
          }),
        ),
    ],
    [
      'a LimitRange for pods',
      'room',
      'warning',
      /allows a pod less memory than its sidecar takes/,
      () =>
        cluster.objects.set(
          paths.ranges,
          listOf({
            metadata: { name: 'l', namespace: 'shop' },
            spec: { limits: [{ type: 'Pod', max: { memory: '512Mi' } }] },
          }),
        ),
    ],
    [
      'a ratio',
      'room',
      'warning',
      /limit and request of cpu of istio-proxy are too far apart/,
      () =>
        cluster.objects.set(
          paths.ranges,
          listOf({
            metadata: { name: 'l', namespace: 'shop' },
            spec: { limits: [{ type: 'Container', maxLimitRequestRatio: { cpu: '4' } }] },
          }),
        ),
    ],
    [
      'missed pods',
      'missed-pods',
      'warning',
      /^shop Deployment\/old: 2 pods$/,
      () =>
        cluster.objects.set(
          paths.pods,
          listOf(runningPod('shop', 'old'), runningPod('shop', 'old'), runningPod('kube-system', 'dns')),
        ),
    ],
    [
      'pods that would be denied',
      'denied-pods',
      'warning',
      /^shop Deployment\/odd: .*\(InvalidAnnotation\): 1 pod$/,
      () =>
        cluster.objects.set(
          paths.pods,
          listOf({
            ...runningPod('shop', 'odd'),
            metadata: {
              ...(runningPod('shop', 'odd')['metadata'] as JsonObject),
              annotations: { 'traffic.sidecar.istio.io/excludeInboundPorts': 'x' },
            },
          }),
        ),
    ],
    [
      'outdated pods',
      'outdated-pods',
      'warning',
      /^shop Deployment\/web: settings [0-9a-f]{8}, version .*: 1 pod$/,
      () => useSettings({ proxy: { logLevel: 'info' } }),
    ],
    [
      'injected pods that would be denied',
      'denied-pods',
      'warning',
      /^shop Deployment\/web: .*\(PortConflict\): 1 pod$/,
      () => {
        useSettings({ proxy: { statusPort: 8080 } });
        const ports = [{ containerPort: 8080 }];
        const pod = runningPod('shop', 'web', { containers: [{ name: 'app', image: 'app:1', ports }] });
        cluster.objects.set(paths.pods, listOf(injectedPod(pod)));
      },
    ],
  ];

  test.each<[string, () => void]>([
    ['by settings that say the same of it', () => useSettings({ injection: { excludedNamespaces: ['other'] } })],
    [
      'by another version that makes the same of it',
      () => change(paths.replica('one'), (one) => (one.version = '9.9.9')),
    ],
  ])('a pod that was injected %s is not outdated', async (_what, make) => {
    make();
    expect(await resultOf('outdated-pods')).toMatchObject({ status: 'good', found: ['1 injected pod'] });
  });

  test('a pod that would lose its sidecar is told, and is not outdated', async () => {
    cluster.objects.set(paths.namespaces, listOf(namespace('shop')));
    const found = ['1 injected pod', expect.stringMatching(/^shop Deployment\/web: a new pod would not be injected: /)];
    expect(await resultOf('outdated-pods')).toMatchObject({ status: 'good', found });
  });

  test.each(cases)('%s: %s is %s', async (_what, id, status, found, breakIt) => {
    breakIt();
    const result = await resultOf(id);
    expect(result?.status).toBe(status);
    expect(result?.found.join('\n')).toMatch(found);
    expect(result?.hint).not.toBe('');
  });

  test('certificates of another CA than that of the bundle', async () => {
    const other = await createAuthority({ now: new Date(), lifetimeMs: dayMs });
    change(paths.registration, (one) => {
      for (const webhook of one.webhooks)
        webhook.clientConfig.caBundle = Buffer.from(other.certificate).toString('base64');
    });
    expect(await resultOf('ca-bundle')).toMatchObject({
      status: 'failed',
      found: ['the CA bundle is not that of Secret sidecar-injector-system/sidecar-injector-ca'],
    });
    const certificates = await resultOf('replica-certificates');
    expect(certificates?.status).toBe('failed');
    expect(certificates?.found[0]).toBe(
      'one, entry namespace.sidecar-injector.io: its certificate is not signed by the CA bundle',
    );
  });

  test('a CA that is about to end', async () => {
    const soon = await createAuthority({ now: new Date(), lifetimeMs: 20 * dayMs });
    change(paths.registration, (one) => {
      for (const webhook of one.webhooks)
        webhook.clientConfig.caBundle = Buffer.from(soon.certificate).toString('base64');
    });
    change(paths.deployments, (one) => (one.items[0].spec.template.spec.containers[0].args = ['serve']));
    expect(await resultOf('ca-bundle')).toMatchObject({ status: 'warning', hint: 'renew it: see certs/README.md' });
  });

  test('another injector that answers to the same label, but not one that leaves it alone', async () => {
    const rules = [{ operations: ['CREATE'], resources: ['pods'] }];
    const other = (name: string, namespaceSelector: unknown) => ({
      metadata: { name },
      webhooks: [{ name: 'w', rules, namespaceSelector }],
    });
    const all = [
      other('istio', { matchLabels: { 'istio-injection': 'enabled' } }),
      other('by-revision', {
        matchExpressions: [
          { key: 'istio-injection', operator: 'DoesNotExist' },
          { key: 'istio.io/rev', operator: 'In', values: ['x'] },
        ],
      }),
      other('unrelated', {}),
    ];
    cluster.objects.set(paths.registrations, listOf(cluster.objects.get(paths.registration), ...all));
    expect(await resultOf('other-injectors')).toMatchObject({ status: 'warning', found: ['istio, entry w'] });
  });
});

test('the rights that are asked for are those that rbac.yaml gives', async () => {
  const asked: string[] = [];
  cluster.posts.set(paths.access, (body) => {
    const { verb, group = '', resource, name = '' } = (body['spec'] as any).resourceAttributes;
    asked.push([verb, group, resource, name].join(' '));
    return { status: 201, body: { status: { allowed: true } } };
  });
  expect(await resultOf('rights')).toMatchObject({ status: 'good' });
  const roles = parseAllDocuments(readFileSync(path.join(root, 'deploy/base/rbac.yaml'), 'utf8'));
  const given = roles
    .flatMap((one) => one.toJS().rules ?? [])
    .flatMap(({ apiGroups, resources, resourceNames = [''], verbs }) =>
      verbs.map((verb: string) => [verb, apiGroups[0], resources[0], resourceNames[0]].join(' ')),
    );
  expect(asked.toSorted()).toEqual((given as string[]).toSorted());
});

test('without Events, the right to create them is not asked for', async () => {
  useSettings({ events: { enabled: false } });
  cluster.posts.set(paths.access, (body) => ({
    status: 201,
    body: { status: { allowed: (body['spec'] as any).resourceAttributes.resource !== 'events' } },
  }));
  expect(await resultOf('rights')).toMatchObject({ status: 'good' });
});

describe('rights that are missing', () => {
  test('are named, and the rest is checked', async () => {
    cluster.objects.set(paths.secret, forbidden('get', 'secrets'));
    cluster.objects.set(paths.pods, forbidden('list', 'pods'));
    const { results, code } = await check();
    const unknown = results.filter(({ status }) => status === 'unknown');
    expect(unknown.map(({ id }) => id)).toEqual(['ca-bundle', 'missed-pods', 'denied-pods', 'outdated-pods', 'cost']);
    expect(unknown[0]?.found[0]).toContain('User "somebody" cannot get resource "secrets"');
    expect(unknown[0]?.hint).toContain('a user who has this right');
    expect(code).toBe(1);
  });

  test('to create pods are not taken for a refusal by the webhook', async () => {
    cluster.posts.set('/api/v1/namespaces/shop/pods?dryRun=All', () => forbidden('create', 'pods'));
    expect(await resultOf('dry-run')).toMatchObject({ status: 'unknown' });
  });

  test('to ask the API server at all end the walk', async () => {
    cluster.objects.set('/version', forbidden('get', 'version'));
    const { results } = await check();
    expect(results.map(({ id, status }) => [id, status])).toEqual([['api-server', 'unknown']]);
  });
});

test('a page of pods that is too large is asked for in smaller parts', async () => {
  const big = { ...runningPod('shop', 'big'), huge: 'x'.repeat(9 * 1024 * 1024) };
  cluster.objects.set(paths.pods, listOf(big));
  cluster.requests.length = 0;
  expect(await resultOf('missed-pods')).toMatchObject({ status: 'unknown' });
  const limits = cluster.requests.flatMap((one) => /pods\?limit=(\d+)$/.exec(one)?.[1] ?? []);
  expect(limits).toEqual(expect.arrayContaining(['100', '13', '2', '1']));
});

test('waiting asks again what fails, until it is good, and goes on from there', async () => {
  cluster.objects.set(paths.slices, listOf());
  const client = await connect({ kubeconfig: cluster.kubeconfig });
  const told: string[] = [];
  let pauses = 0;
  const patience = {
    again: async () => {
      pauses += 1;
      if (pauses === 3) cluster.objects.set(paths.slices, listOf({ endpoints: [{ conditions: { ready: true } }] }));
      return true;
    },
  };
  const results = await walk(() => viewCluster(client, new Date(), (text) => void told.push(text)), patience);
  client.close();
  expect([pauses, results.every(({ finding }) => finding.status === 'good')]).toEqual([3, true]);
  expect(told).toEqual([
    'waiting until the Service has ready endpoints: Service sidecar-injector-system/sidecar-injector has no ready endpoint',
  ]);
});

test('waiting is of no use where a right is missing', async () => {
  cluster.objects.set(paths.secret, forbidden('get', 'secrets'));
  const client = await connect({ kubeconfig: cluster.kubeconfig });
  let pauses = 0;
  const patience = { again: async () => ((pauses += 1), pauses < 5) };
  const results = await walk(() => viewCluster(client, new Date(), () => undefined), patience);
  client.close();
  expect(pauses).toBe(0);
  expect(results.find(({ check: { id } }) => id === 'ca-bundle')?.finding.status).toBe('unknown');
});

describe('usage', () => {
  test('options for the cluster do not go with files', async () => {
    const { stderr, code } = await runCommand(['check', '--settings', 'x.yaml', '--wait', '5s']);
    expect([stderr.includes('are for a check of the cluster'), code]).toEqual([true, 2]);
  });

  test('a duration has a unit', async () => {
    const { stderr, code } = await runCommand(['check', '--wait', '5']);
    expect([stderr.includes('such as 90s, 5m or 1h'), code]).toEqual([true, 2]);
  });

  test('a kubeconfig that cannot be used says what else to give', async () => {
    const { stderr, code } = await runCommand(['check', '--kubeconfig', '/nowhere']);
    expect(stderr).toContain("cannot use kubeconfig '/nowhere'");
    expect([stderr.includes('to check files instead, give --settings FILE'), code]).toEqual([true, 1]);
  });
});
