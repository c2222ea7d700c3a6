import { afterAll, afterEach, expect, test } from '@jest/globals';
import type { Pod } from '../support/http/api-client.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { startSecondWebhook, type PatchOperation, type SecondWebhook } from '../support/processes/second-webhook.ts';
import { containerNames, injected, makePod, openTestCluster } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

const cluster = openTestCluster(sharedCluster());
let second: SecondWebhook | undefined;

afterEach(async () => {
  await second?.stop();
  second = undefined;
});
afterAll(() => cluster.api.close());

const probed = {
  name: 'late',
  image: 'registry.example/late:1',
  ports: [{ name: 'http', containerPort: 9000 }],
  readinessProbe: { httpGet: { path: '/ready', port: 'http' } },
};

/** Adds a container at the end, once. */
function addContainer(pod: Pod): readonly PatchOperation[] {
  if (pod.spec.containers.some(({ name }) => name === 'late')) return [];
  return [{ op: 'add', path: '/spec/containers/-', value: probed }];
}

/** Starts it and creates pods until its registration is in effect; answers that pod. */
async function createWith(name: string, mutate: (pod: Pod) => readonly PatchOperation[]): Promise<Pod> {
  const namespace = await cluster.createNamespace(injected);
  const webhook = await startSecondWebhook(cluster, { name, namespace, mutate });
  second = webhook;
  await until('the second webhook is called', async () => {
    await cluster.createPod(namespace, makePod('probe'), 'dryRun=All');
    return webhook.seen.length > 0 || undefined;
  });
  const { status, body } = await cluster.createPod(namespace, makePod('pod'));
  expect([status, body.message]).toEqual([201, undefined]);
  return body;
}

test.each([
  ['before us', 'a-second'],
  ['after us', 'z-second'],
])('a webhook that adds a container %s: both have their way, and its probe is rewritten', async (_when, name) => {
  const pod = await createWith(name, addContainer);
  expect(containerNames(pod)).toEqual(['istio-init', 'istio-proxy', 'app', 'late']);
  const late = pod.spec.containers.find((container) => container.name === 'late');
  expect(late?.['readinessProbe']).toMatchObject({ httpGet: { path: '/app-health/late/readyz', port: 15020 } });
});

test('a webhook after us sees the injected pod, and we leave alone what it changes in our proxy', async () => {
  const pod = await createWith('z-second', ({ spec }) => {
    const index = spec.initContainers?.findIndex(({ name }) => name === 'istio-proxy') ?? -1;
    const proxy = spec.initContainers?.[index];
    if (proxy === undefined || proxy.image === 'registry.example/mirror/envoy:1') return [];
    return [{ op: 'replace', path: `/spec/initContainers/${index}/image`, value: 'registry.example/mirror/envoy:1' }];
  });
  expect(containerNames(pod)).toEqual(['istio-init', 'istio-proxy', 'app']);
  expect(pod.spec.initContainers?.[1]?.image).toBe('registry.example/mirror/envoy:1');
});

test('a webhook that takes our proxy away again makes the pod fail loudly', async () => {
  const namespace = await cluster.createNamespace(injected);
  const webhook = await startSecondWebhook(cluster, {
    name: 'z-second',
    namespace,
    mutate: ({ spec }) => {
      const index = spec.initContainers?.findIndex(({ name }) => name === 'istio-proxy') ?? -1;
      return index === -1 ? [] : [{ op: 'remove', path: `/spec/initContainers/${index}` }];
    },
  });
  second = webhook;
  const { status, body } = await until('the second webhook is called', async () => {
    const answer = await cluster.createPod(namespace, makePod('pod'), 'dryRun=All');
    return webhook.seen.length > 0 ? answer : undefined;
  });
  expect(status).toBe(400);
  expect(body.message).toContain('istio-proxy');
});
