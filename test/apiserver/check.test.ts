import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { kubectl } from '../support/cluster/kubectl.ts';
import { writeServiceAccountKubeconfig } from '../support/cluster/installation.ts';
import { runCheck } from '../support/processes/check-command.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { injected, makePod, openTestCluster } from '../support/processes/test-cluster.ts';

const cluster = openTestCluster(sharedCluster());
let enabled: string;

const apply = (...objects: readonly object[]) =>
  kubectl(cluster.kubeconfig, ['apply', '-f', '-'], objects.map((one) => JSON.stringify(one)).join('\n---\n'));

beforeAll(async () => {
  enabled = await cluster.createNamespace(injected);
});
afterAll(() => cluster.api.close());

test('registration, certificates and injection are asked of a real API server', async () => {
  const { results, code } = await runCheck(cluster.kubeconfig);
  const status = (id: string) => results.get(id)?.status;
  expect(['api-server', 'registration', 'selectors', 'ca-bundle', 'dry-run'].map(status)).toEqual(
    Array.from({ length: 5 }, () => 'good'),
  );
  // There are no nodes here, so that no replica runs behind the Service.
  expect([status('deployment'), code]).toEqual(['failed', 1]);
});

describe('namespaces', () => {
  test('that enforce a level of Pod Security, and those without room', async () => {
    const strict = await cluster.createNamespace({ ...injected, 'pod-security.kubernetes.io/enforce': 'restricted' });
    const limits = [{ type: 'Container', max: { cpu: '1', memory: '4Gi' } }];
    await apply(
      { apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'small', namespace: enabled }, spec: { limits } },
      {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'full', namespace: enabled },
        spec: { hard: { 'requests.cpu': '50m' } },
      },
    );
    const { results } = await runCheck(cluster.kubeconfig);
    expect(results.get('pod-security')?.found.join('\n')).toContain(`namespace ${strict} enforces restricted`);
    const room = results.get('room')?.found;
    expect(room).toContain(
      `namespace ${enabled}: LimitRange small allows a container less cpu than istio-proxy has as its limit`,
    );
  });
});

test('pods that were there before their namespace was labelled are missed', async () => {
  const late = await cluster.createNamespace();
  await cluster.createPod(late, makePod('late'));
  await kubectl(cluster.kubeconfig, ['label', 'namespace', late, 'istio-injection=enabled']);
  const { results } = await runCheck(cluster.kubeconfig);
  expect(results.get('missed-pods')?.found).toContain(`${late} Pod/late: 1 pod`);
});

test('another injector on the same label is found', async () => {
  const webhook = {
    name: 'namespace.sidecar-injector.istio.io',
    clientConfig: { url: 'https://127.0.0.1:9/inject' },
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    namespaceSelector: { matchLabels: { 'istio-injection': 'enabled' } },
    // Other files of the tier use this API server at the same time.
    matchConditions: [{ name: 'never', expression: 'false' }],
    failurePolicy: 'Ignore',
    timeoutSeconds: 1,
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
  const object = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'zz-another-injector' },
    webhooks: [webhook],
  };
  await apply(object);
  try {
    const { results } = await runCheck(cluster.kubeconfig);
    expect(results.get('other-injectors')).toMatchObject({
      status: 'warning',
      found: ['zz-another-injector, entry namespace.sidecar-injector.istio.io'],
    });
  } finally {
    await kubectl(cluster.kubeconfig, ['delete', 'mutatingwebhookconfiguration', 'zz-another-injector']);
  }
});

test('who lacks rights is told which, and nothing of it fails obscurely', async () => {
  const { results, code } = await runCheck(await writeServiceAccountKubeconfig(cluster));
  const [missed, registration] = [results.get('missed-pods'), results.get('registration')];
  expect([missed?.status, registration?.status, code]).toEqual(['unknown', 'good', 1]);
  expect(missed?.found.join()).toMatch(/forbidden: User "system:serviceaccount:.*" cannot (get|list) resource/);
  expect(missed?.hint).toContain('run it as a user who has this right');
});
