import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';
import { runCommand } from '../support/builders/recorded-io.ts';
import { startInstalledCluster, type InstalledCluster } from '../support/cluster/installed-cluster.ts';
import { kubectl, runKubectl } from '../support/cluster/kubectl.ts';
import type { ApiAnswer, Pod } from '../support/http/api-client.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { runCheck } from '../support/processes/check-command.ts';
import {
  containerNames,
  injected,
  makePod,
  openTestCluster,
  type TestCluster,
} from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';
import {
  renameOurRegistration,
  startForeignWebhook,
  type ForeignWebhook,
} from '../support/webhooks/foreign-webhook.ts';
import { changesToOurs, containerOf } from '../support/webhooks/our-parts.ts';
import { createBoth } from '../support/webhooks/probed-pod.ts';
import { standingIn } from '../support/webhooks/standing.ts';

jest.setTimeout(240_000);

const policies = path.join(root, 'test/webhooks/kyverno-policies.yaml');
let installed: InstalledCluster;
let cluster: TestCluster;
let kyverno: ForeignWebhook;

beforeAll(async () => {
  installed = await startInstalledCluster();
  cluster = openTestCluster(installed);
  const port = await findFreePort();
  await cluster.api.create('/api/v1/namespaces', { metadata: { name: 'kyverno' } });
  kyverno = await startForeignWebhook(cluster, {
    name: 'kyverno',
    binary: process.env['KYVERNO_BIN'],
    definitions: process.env['KYVERNO_CRDS'],
    port,
    env: {
      KYVERNO_NAMESPACE: 'kyverno',
      KYVERNO_SERVICEACCOUNT_NAME: 'kyverno',
      KYVERNO_DEPLOYMENT: 'kyverno',
      KYVERNO_POD_NAME: 'kyverno',
      KYVERNO_SVC: 'kyverno-svc',
      KYVERNO_ROLE_NAME: 'kyverno',
      INIT_CONFIG: 'kyverno',
      METRICS_CONFIG: 'kyverno-metrics',
    },
    args: () => [
      `--kubeconfig=${cluster.kubeconfig}`,
      `--serverIP=127.0.0.1:${port}`,
      '--webhookServerHost=127.0.0.1',
      `--webhookServerPort=${port}`,
      '--caSecretName=kyverno-ca',
      '--tlsSecretName=kyverno-tls',
      '--disableMetrics=true',
      '--controllerRuntimeMetricsAddress=0',
      '--leaderElectionRetryPeriod=1s',
      '--autoMemLimitEnabled=false',
      '--admissionReports=false',
      '--backgroundServiceAccountName=system:serviceaccount:kyverno:background',
      '--reportsServiceAccountName=system:serviceaccount:kyverno:reports',
    ],
  });
  let refused = '';
  await until(
    () => `Kyverno takes policies: ${refused}`,
    async () => {
      if (!kyverno.program.isRunning()) throw new Error((await kyverno.program.readLog()).slice(-4_000));
      const { code, stderr } = await runKubectl(cluster.kubeconfig, ['apply', '-f', policies]);
      refused = stderr;
      return code === 0 || undefined;
    },
    60_000,
  );
  await kubectl(cluster.kubeconfig, ['wait', '--for=condition=Ready', 'clusterpolicy', '--all', '--timeout=60s']);
  const namespace = await cluster.createNamespace({ labelled: 'true', regional: 'true' });
  await until(
    'Kyverno changes pods',
    async () => {
      const { body } = await cluster.createPod(namespace, makePod('probe'), 'dryRun=All');
      const { app, region } = body.metadata?.labels ?? {};
      return (app === 'shop' && region === 'north') || undefined;
    },
    60_000,
  );
});
afterAll(async () => {
  cluster.api.close();
  await kyverno.program.stop('SIGKILL');
  await installed.stop();
});

/** What every pod must be, whatever Kyverno did to it. */
async function expectSound(pod: Pod): Promise<void> {
  expect(containerNames(pod)).toEqual(['istio-init', 'istio-proxy', 'app']);
  expect(containerOf(pod, 'app')['readinessProbe']).toMatchObject({ httpGet: { port: 15020 } });
  expect(await standingIn(cluster, pod)).toBe('current');
  const { stdout, code } = await runCommand(['uninject', '-f', '-'], JSON.stringify(pod));
  expect(code).toBe(0);
  expect(containerNames(JSON.parse(stdout))).toEqual(['app']);
  expect(stdout).not.toContain('istio');
}

function sharedBehaviour(): void {
  test('a pull secret and labels of policies arrive', async () => {
    const { pod } = await createBoth(cluster, { labelled: 'true', regional: 'true' });
    expect(pod.metadata.labels).toMatchObject({ app: 'shop', region: 'north' });
    expect(pod.spec['imagePullSecrets']).toContainEqual({ name: 'registry' });
    await expectSound(pod);
  });

  test('images of all containers are rewritten, once, and the order of ours stays', async () => {
    const { pod, plain, warnings } = await createBoth(cluster, { mirrored: 'true' });
    await expectSound(pod);
    expect(containerOf(pod, 'app').image).toBe('mirror.example/app:1');
    expect(changesToOurs(pod, plain)).toEqual(['/istio-init/image', '/istio-proxy/image']);
    expect(warnings).toEqual(
      ['istio-init', 'istio-proxy'].map((one) =>
        expect.stringMatching(`^sidecar-injector: container "${one}" runs "mirror.example/.* \\(ForeignImage\\)$`),
      ),
    );
  });

  test('defaults for security and resources change nothing of ours', async () => {
    const { pod, plain } = await createBoth(cluster, { hardened: 'true' });
    await expectSound(pod);
    expect(containerOf(pod, 'app')).toMatchObject({
      securityContext: { allowPrivilegeEscalation: false },
      resources: { requests: { memory: '64Mi' } },
    });
    expect(changesToOurs(pod, plain)).toEqual([]);
  });
}

const restrictedApp = {
  name: 'app',
  image: 'registry.example/app:1',
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
  },
  resources: { requests: { cpu: '1m', memory: '1Mi' }, limits: { memory: '1Mi' } },
};

async function create(
  labels: Record<string, string>,
  annotations: Record<string, string> = {},
): Promise<ApiAnswer<Pod>> {
  const namespace = await cluster.createNamespace({ ...injected, ...labels });
  const more = { metadata: { annotations }, spec: { containers: [restrictedApp] } };
  return cluster.createPod(namespace, makePod('web', more), 'dryRun=All');
}

describe('Kyverno before us, as it registers itself', () => {
  sharedBehaviour();

  test('pods that it has changed are not outdated for the checks', async () => {
    const { namespace } = await createBoth(cluster, { mirrored: 'true', labelled: 'true' });
    const { results } = await runCheck(cluster.kubeconfig);
    expect(results.get('outdated-pods')?.found.filter((line) => line.includes(namespace))).toEqual([]);
    expect(results.get('other-injectors')?.status).toBe('good');
  });

  test('the restricted profile refuses the capture and says so; without it, or by a node agent, it is met', async () => {
    const refused = await create({ restricted: 'true' });
    expect(refused.status).toBe(400);
    expect(refused.body.message).toContain(
      'spec.initContainers[0].securityContext.capabilities.add is forbidden, forbidden values found: [NET_ADMIN NET_RAW]',
    );

    const none = await create({ restricted: 'true' }, { 'sidecar.istio.io/interceptionMode': 'NONE' });
    expect([none.status, none.body.message]).toEqual([201, undefined]);
    expect(containerNames(none.body)).toEqual(['istio-proxy', 'app']);

    const settings = path.join(root, 'deploy/overlays/cni/settings.yaml');
    const plain = makePod('web', { spec: { containers: [restrictedApp] } });
    const { stdout } = await runCommand(['inject', '-f', '-', '--settings', settings], JSON.stringify(plain));
    const namespace = await cluster.createNamespace({ restricted: 'true' });
    const byAgent = await cluster.createPod(namespace, JSON.parse(stdout) as object, 'dryRun=All');
    expect([byAgent.status, byAgent.body.message]).toEqual([201, undefined]);
    expect(containerNames(byAgent.body)).toEqual(['istio-validation', 'istio-proxy', 'app']);
  });

  test('a policy that requires requests and limits is met by our containers', async () => {
    const { status, body } = await create({ measured: 'true' });
    expect([status, body.message]).toEqual([201, undefined]);
    expect(containerNames(body)).toEqual(['istio-init', 'istio-proxy', 'app']);
  });

  test('a policy about registries names our image; the settings say where it comes from', async () => {
    const refused = await create({ registries: 'true' });
    expect(refused.status).toBe(400);
    expect(refused.body.message).toMatch(/restrict-image-registries[^]*initContainers\/0\/image/);
    const allowed = await create({ registries: 'true' }, { 'sidecar.istio.io/inject': 'false' });
    expect(allowed.status).toBe(201);
  });
});

describe('Kyverno after us', () => {
  beforeAll(() => renameOurRegistration(cluster, 'a-sidecar-injector'));

  sharedBehaviour();
});
