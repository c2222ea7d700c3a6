import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { registrationEntries } from '../../src/injection/policy/registration.ts';
import { installFile } from '../../scripts/manifests/install.ts';
import { root } from '../../scripts/checkout.ts';
import { createAuthority, issueLeaf, serviceNames } from '../../src/certs/authority.ts';
import type { Pod } from '../support/http/api-client.ts';
import { startControlPlane, type ControlPlane } from '../support/processes/control-plane.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { startInjector } from '../support/processes/injector-process.ts';
import { untilInjecting } from '../support/cluster/installed-cluster.ts';
import { install } from '../support/cluster/installation.ts';
import { kubectl, runKubectl } from '../support/cluster/kubectl.ts';
import {
  containerNames,
  injected,
  makePod,
  openTestCluster,
  type TestCluster,
} from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

jest.setTimeout(120_000);

let controlPlane: ControlPlane;
let cluster: TestCluster;
const file = path.join(root, installFile);

beforeAll(async () => {
  controlPlane = await startControlPlane();
  cluster = openTestCluster(controlPlane);
});
afterAll(async () => {
  cluster.api.close();
  await controlPlane.stop();
});

const listOurs = async () => {
  const kinds = 'namespaces,clusterroles,clusterrolebindings,mutatingwebhookconfigurations';
  return kubectl(controlPlane.kubeconfig, [
    'get',
    kinds,
    '-l',
    'app.kubernetes.io/part-of=sidecar-injector',
    '-o',
    'name',
  ]);
};

describe('the one file, in a cluster that never saw us', () => {
  test('is installed by one kubectl apply, without a warning', async () => {
    const answer = await runKubectl(controlPlane.kubeconfig, ['apply', '-f', file]);
    expect(answer).toMatchObject({ code: 0, stderr: '' });
  });

  test('gives us two pods that nobody injects, under the strictest Pod Security', async () => {
    const pods = await until('our two pods', async () => {
      const { body } = await cluster.api.get<{ items: Pod[] }>('/api/v1/namespaces/sidecar-injector-system/pods');
      return body.items.length === 2 ? body.items : undefined;
    });
    for (const pod of pods) {
      expect(containerNames(pod)).toEqual(['injector']);
      expect(pod.spec['priorityClassName']).toBe('system-cluster-critical');
    }
  });

  test('applied again, changes nothing', async () => {
    await kubectl(controlPlane.kubeconfig, ['apply', '-f', file]);
    const { code, stdout } = await runKubectl(controlPlane.kubeconfig, ['diff', '-f', file]);
    expect([code, stdout]).toEqual([0, '']);
  });

  test('while nothing serves, refuses pods of enabled namespaces and those that ask by label, and names us', async () => {
    const [enabled, plain] = await Promise.all([cluster.createNamespace(injected), cluster.createNamespace()]);
    const refused = await until('a refusal', async () => {
      const answer = await cluster.createPod(enabled, makePod('pod'), 'dryRun=All');
      return answer.status === 500 ? answer : undefined;
    });
    const labelled = (value: string) => ({ metadata: { labels: { 'sidecar.istio.io/inject': value } } });
    expect(refused.body.message).toContain('failed calling webhook "namespace.sidecar-injector.io"');
    const asking = await cluster.createPod(plain, makePod('asking', labelled('true')));
    expect(asking.body.message).toContain('failed calling webhook "object.sidecar-injector.io"');
    expect((await cluster.createPod(plain, makePod('pod'))).status).toBe(201);
    expect((await cluster.createPod(enabled, makePod('refusing', labelled('false')))).status).toBe(201);
  });

  test.each([
    ['is for Windows', { os: { name: 'windows' } }],
    ['chooses nodes of Windows', { nodeSelector: { 'kubernetes.io/os': 'windows' } }],
    ['uses the network of its node', { hostNetwork: true }],
  ] as [string, object][])(
    'while nothing serves, a pod of an enabled namespace is created that %s',
    async (_what, spec) => {
      const enabled = await cluster.createNamespace(injected);
      const containers = [{ name: 'app', image: 'registry.example/app:1' }];
      const pod = makePod('pod', { spec: { containers, ...spec } });
      expect((await cluster.createPod(enabled, pod)).status).toBe(201);
    },
  );

  test.each([
    ['sidecar-injector.io/failurePolicy', 'Ignore'],
    ['sidecar-injector.io/paused', 'true'],
  ])('while nothing serves, the label %s=%s of a namespace lets its pods through at once', async (key, value) => {
    const enabled = await cluster.createNamespace(injected);
    const create = () => cluster.createPod(enabled, makePod('pod'), 'dryRun=All');
    await until('a refusal', async () => (await create()).status === 500 || undefined);
    await kubectl(controlPlane.kubeconfig, ['label', 'namespace', enabled, `${key}=${value}`]);
    const labelled = performance.now();
    await until('pods are created', async () => (await create()).status === 201 || undefined);
    process.stdout.write(
      `${key}=${value}: pods are created ${(performance.now() - labelled).toFixed(0)} ms after the label\n`,
    );
  });

  test('is uninstalled by the two commands of its header, and leaves nothing', async () => {
    const enabled = await cluster.createNamespace(injected);
    await kubectl(controlPlane.kubeconfig, ['delete', 'mutatingwebhookconfiguration', 'sidecar-injector']);
    await until('pods are created again', async () => {
      const { status } = await cluster.createPod(enabled, makePod('pod'), 'dryRun=All');
      return status === 201 || undefined;
    });
    await kubectl(controlPlane.kubeconfig, ['delete', '--ignore-not-found', '-f', file]);
    expect(await listOurs()).toBe('');
  });
});

describe('the file is deleted in its own order, and something in our namespace holds it', () => {
  const holder = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'held', finalizers: ['example.com/hold'] } };
  const phase = ['get', 'namespace', 'sidecar-injector-system', '-o', 'jsonpath={.status.phase}'];

  test('no pod is refused for it; applied again meanwhile, it says what is wrong; once it is free, all is back', async () => {
    const enabled = await cluster.createNamespace(injected);
    const create = async () => (await cluster.createPod(enabled, makePod('pod'), 'dryRun=All')).status;
    await kubectl(controlPlane.kubeconfig, ['apply', '-f', file]);
    await kubectl(
      controlPlane.kubeconfig,
      ['apply', '-n', 'sidecar-injector-system', '-f', '-'],
      JSON.stringify(holder),
    );
    await until('pods are refused', async () => (await create()) === 500 || undefined);
    await kubectl(controlPlane.kubeconfig, ['delete', '--wait=false', '-f', file]);
    await until('pods are created', async () => (await create()) === 201 || undefined);
    await until(
      'the namespace is held',
      async () => (await kubectl(controlPlane.kubeconfig, phase)) === 'Terminating' || undefined,
    );
    const again = await runKubectl(controlPlane.kubeconfig, ['apply', '-f', file]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('because it is being terminated')]);
    // What is outside of the namespace is there again, and with it the registration, for which nobody can answer.
    await until('pods are refused', async () => (await create()) === 500 || undefined);
    await kubectl(controlPlane.kubeconfig, ['delete', 'mutatingwebhookconfiguration', 'sidecar-injector']);
    await until('pods are created', async () => (await create()) === 201 || undefined);
    const free = '--patch=[{"op": "remove", "path": "/metadata/finalizers"}]';
    const held = ['configmap', 'held', '-n', 'sidecar-injector-system'];
    await kubectl(controlPlane.kubeconfig, ['patch', ...held, '--type=json', free]);
    await until(
      'the namespace has gone',
      async () => (await runKubectl(controlPlane.kubeconfig, phase)).stderr.includes('NotFound') || undefined,
      60_000,
    );
    expect(await runKubectl(controlPlane.kubeconfig, ['apply', '-f', file])).toMatchObject({ code: 0, stderr: '' });
    await kubectl(controlPlane.kubeconfig, ['delete', '--ignore-not-found', '-f', file]);
    expect(await listOurs()).toBe('');
  });

  test('while nothing serves, a labelled namespace with its pods is deleted as any other', async () => {
    await kubectl(controlPlane.kubeconfig, ['apply', '-f', file]);
    const enabled = await cluster.createNamespace(injected);
    const refusing = makePod('there', { metadata: { labels: { 'sidecar.istio.io/inject': 'false' } } });
    expect((await cluster.createPod(enabled, refusing)).status).toBe(201);
    await kubectl(controlPlane.kubeconfig, ['delete', 'namespace', enabled, '--wait=false']);
    await until(
      'it has gone',
      async () => {
        const { stderr } = await runKubectl(controlPlane.kubeconfig, ['get', 'namespace', enabled]);
        return stderr.includes('NotFound') || undefined;
      },
      60_000,
    );
    await kubectl(controlPlane.kubeconfig, ['delete', '--ignore-not-found', '-f', file]);
  });
});

test('certificates from files: the overlay serves without any access to the API server', async () => {
  const now = new Date();
  const lifetimeMs = 3_600_000;
  const authority = await createAuthority({ now, lifetimeMs });
  const names = serviceNames('sidecar-injector', 'sidecar-injector-system');
  const leaf = await issueLeaf({ authority, names, now, lifetimeMs });
  const files = [path.join(controlPlane.folder, 'tls.crt'), path.join(controlPlane.folder, 'tls.key')] as const;
  await writeFile(files[0], leaf.certificate);
  await writeFile(files[1], leaf.privateKey, { mode: 0o600 });
  const port = await findFreePort();
  const injector = await startInjector({ folder: controlPlane.folder, certificate: { files }, port });
  const value = Buffer.from(authority.certificate).toString('base64');
  const operations = registrationEntries.map((_entry, index) => ({
    op: 'add',
    path: `/webhooks/${index}/clientConfig/caBundle`,
    value,
  }));
  const patches = [{ kind: 'MutatingWebhookConfiguration', name: 'sidecar-injector', operations }];
  await install(controlPlane, { port, kustomization: 'overlays/file-certs', patches });
  await untilInjecting(cluster);
  expect(await listOurs()).not.toMatch(/clusterrole/);
  expect(await injector.stop('SIGTERM')).toBe(0);
});
