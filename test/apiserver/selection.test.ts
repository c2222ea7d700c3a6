import { afterAll, describe, expect, test } from '@jest/globals';
import { matchConditions, registrationEntries, selectEntry } from '../../src/injection/policy/registration.ts';
import type { JsonObject } from '../../src/json/json.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { makePod, openTestCluster } from '../support/processes/test-cluster.ts';

const cluster = openTestCluster(sharedCluster());
afterAll(() => cluster.api.close());

/** The entry that the API server called first, by its audit log. */
async function calledEntry(namespace: string, name: string): Promise<string | undefined> {
  const { annotations = {} } = await cluster.findAudit(namespace, name);
  const [, text] =
    Object.entries(annotations).find(([key]) => key.startsWith('mutation.webhook.admission.k8s.io/round_0')) ?? [];
  if (text === undefined) return undefined;
  const mutation: { webhook: string } = JSON.parse(text);
  return mutation.webhook;
}

const n = 'namespace.sidecar-injector.io';
const o = 'object.sidecar-injector.io';
const nIgnore = 'namespace-ignore.sidecar-injector.io';
const oIgnore = 'object-ignore.sidecar-injector.io';
const none = undefined;
const policy = 'sidecar-injector.io/failurePolicy';
const paused = 'sidecar-injector.io/paused';

const podLabels: readonly JsonObject[] = [
  {},
  { 'istio.io/rev': 'canary' },
  { 'sidecar.istio.io/inject': 'true' },
  { 'sidecar.istio.io/inject': 'true', 'istio.io/rev': 'canary' },
  { 'sidecar.istio.io/inject': 'false' },
  { 'sidecar.istio.io/inject': 'yes' },
  { 'sidecar.istio.io/inject': '' },
];

// Columns as in podLabels.
const truthTable: readonly (readonly [labels: Record<string, string>, ...called: (string | undefined)[]])[] = [
  [{}, none, none, o, none, none, none, none],
  [{ 'istio.io/rev': 'default' }, none, none, none, none, none, none, none],
  [{ 'istio.io/rev': 'canary' }, none, none, none, none, none, none, none],
  [{ 'istio-injection': 'enabled' }, n, n, n, n, none, n, n],
  [{ 'istio-injection': 'enabled', 'istio.io/rev': 'canary' }, n, n, n, n, none, n, n],
  [{ 'istio-injection': 'disabled' }, none, none, none, none, none, none, none],
  [{ 'istio-injection': 'disabled', 'istio.io/rev': 'default' }, none, none, none, none, none, none, none],
  [{ 'istio-injection': 'true' }, none, none, none, none, none, none, none],
  [{ 'istio-injection': 'Enabled' }, none, none, none, none, none, none, none],
  [{ 'istio-injection': '' }, none, none, none, none, none, none, none],
  [{ [policy]: 'Ignore' }, none, none, oIgnore, none, none, none, none],
  [{ [policy]: 'Fail' }, none, none, o, none, none, none, none],
  [{ 'istio-injection': 'enabled', [policy]: 'Ignore' }, nIgnore, nIgnore, nIgnore, nIgnore, none, nIgnore, nIgnore],
  [{ 'istio-injection': 'enabled', [policy]: 'Fail' }, n, n, n, n, none, n, n],
  [{ 'istio-injection': 'enabled', [policy]: 'ignore' }, n, n, n, n, none, n, n],
  [{ [paused]: 'true' }, none, none, none, none, none, none, none],
  [{ 'istio-injection': 'enabled', [paused]: 'true' }, none, none, none, none, none, none, none],
  [{ 'istio-injection': 'enabled', [paused]: '' }, n, n, n, n, none, n, n],
];

describe('a namespace with the labels', () => {
  test.each(truthTable.map(([labels, ...called]) => ({ labels, called })))('$labels', async ({ labels, called }) => {
    const namespace = await cluster.createNamespace(labels);
    const namespaceLabels = { ...labels, 'kubernetes.io/metadata.name': namespace };
    const byServer: (string | undefined)[] = [];
    const inCode: (string | undefined)[] = [];
    for (const [index, pod] of podLabels.entries()) {
      const name = `pod-${index}`;
      const object = makePod(name, { metadata: { labels: pod } });
      await cluster.createPod(namespace, object, 'dryRun=All');
      byServer.push(await calledEntry(namespace, name));
      const selection = selectEntry(namespaceLabels, object);
      inCode.push(selection.called ? selection.entry : undefined);
    }
    expect(byServer).toEqual(called);
    expect(inCode).toEqual(called);
  });
});

test.each(['kube-system', 'kube-public', 'kube-node-lease', 'sidecar-injector-system'])(
  'nothing is called for pods of %s, not even when they ask',
  async (namespace) => {
    // Admitted everywhere, so that it is the selectors and not another refusal that keeps us out.
    const securityContext = {
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    };
    const spec = { containers: [{ name: 'app', image: 'registry.example/app:1', securityContext }] };
    const name = 'asks';
    const pod = makePod(name, { metadata: { labels: { 'sidecar.istio.io/inject': 'true' } }, spec });
    expect((await cluster.createPod(namespace, pod, 'dryRun=All')).status).toBe(201);
    expect(await calledEntry(namespace, name)).toBeUndefined();
  },
);

describe('in an enabled namespace', () => {
  const asks = { labels: { 'sidecar.istio.io/inject': 'true' } };
  const mirror = { 'kubernetes.io/config.mirror': 'hash' };
  test.each([
    ['a pod of the node’s network', {}, { hostNetwork: true }, none],
    ['a pod of the node’s network that asks', asks, { hostNetwork: true }, n],
    ['a pod that says hostNetwork: false', {}, { hostNetwork: false }, n],
    ['a pod with other annotations', { annotations: { a: 'b' } }, {}, n],
    ['a mirror pod', { annotations: mirror }, { nodeName: 'node' }, none],
    ['a mirror pod that asks', { ...asks, annotations: mirror }, { nodeName: 'node' }, n],
    ['a pod for Windows', {}, { os: { name: 'windows' } }, none],
    ['a pod for Windows that asks', asks, { os: { name: 'windows' } }, n],
    ['a pod for Linux', {}, { os: { name: 'linux' }, nodeSelector: { 'kubernetes.io/os': 'linux' } }, n],
    ['a pod for nodes of Windows', {}, { nodeSelector: { 'kubernetes.io/os': 'windows' } }, none],
    ['a pod for nodes of Windows that asks', asks, { nodeSelector: { 'kubernetes.io/os': 'windows' } }, n],
    ['a pod for certain nodes', {}, { nodeSelector: { zone: 'a' } }, n],
  ])('%s', async (_what, metadata, spec, called) => {
    const namespace = await cluster.createNamespace({ 'istio-injection': 'enabled' });
    const containers = [{ name: 'app', image: 'registry.example/app:1' }];
    const object = makePod('pod', { metadata, spec: { containers, ...spec } });
    await cluster.createPod(namespace, object, 'dryRun=All');
    expect(await calledEntry(namespace, 'pod')).toBe(called);
    const labels = { 'istio-injection': 'enabled', 'kubernetes.io/metadata.name': namespace };
    expect(selectEntry(labels, object)).toMatchObject({ called: called !== none });
  });
});

test('the server holds the shipped entries and expressions', async () => {
  const { body } = await cluster.api.get<{ webhooks: { name: string; matchConditions: { expression: string }[] }[] }>(
    '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/sidecar-injector',
  );
  expect(body.webhooks.map(({ name }) => name)).toEqual(registrationEntries.map(({ name }) => name));
  for (const webhook of body.webhooks) {
    expect(webhook.matchConditions.map(({ expression }) => expression)).toEqual(
      matchConditions.map(({ expression }) => expression),
    );
  }
});
