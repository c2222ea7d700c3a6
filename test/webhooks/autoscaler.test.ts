import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { startInstalledCluster, type InstalledCluster } from '../support/cluster/installed-cluster.ts';
import type { Pod } from '../support/http/api-client.ts';
import { findFreePort } from '../support/http/free-port.ts';
import { runCheck } from '../support/processes/check-command.ts';
import { containerNames, injected, openTestCluster, type TestCluster } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';
import { registerForPods, startForeignWebhook, type ForeignWebhook } from '../support/webhooks/foreign-webhook.ts';
import { changesToOurs, containerOf } from '../support/webhooks/our-parts.ts';

jest.setTimeout(180_000);

let installed: InstalledCluster;
let cluster: TestCluster;
let autoscaler: ForeignWebhook;
let unregister: (() => Promise<void>) | undefined;

beforeAll(async () => {
  installed = await startInstalledCluster();
  cluster = openTestCluster(installed);
  const [port, metricsPort] = [await findFreePort(), await findFreePort()];
  autoscaler = await startForeignWebhook(cluster, {
    name: 'vertical-pod-autoscaler',
    binary: process.env['VERTICAL_POD_AUTOSCALER_BIN'],
    definitions: process.env['VERTICAL_POD_AUTOSCALER_CRDS'],
    port,
    args: (folder) => [
      `--kubeconfig=${cluster.kubeconfig}`,
      `--port=${port}`,
      `--address=127.0.0.1:${metricsPort}`,
      '--register-webhook=false',
      `--client-ca-file=${path.join(folder, 'ca.crt')}`,
      `--tls-cert-file=${path.join(folder, 'tls.crt')}`,
      `--tls-private-key=${path.join(folder, 'tls.key')}`,
    ],
  });
});
afterEach(async () => {
  await unregister?.();
  unregister = undefined;
});
afterAll(async () => {
  cluster.api.close();
  await autoscaler.program.stop('SIGKILL');
  await installed.stop();
});

const register = async (name: string, reinvocationPolicy: 'Never' | 'IfNeeded'): Promise<void> => {
  unregister = await registerForPods(cluster, {
    name,
    entry: 'vpa.k8s.io',
    clientConfig: autoscaler.clientConfig('/'),
    reinvocationPolicy,
  });
};

const recommended = { cpu: '7m', memory: '77Mi' };
const recommend = (containerName: string) => ({
  containerName,
  target: recommended,
  lowerBound: recommended,
  upperBound: recommended,
});

/** Creates a Deployment without pods. */
async function createWorkload(namespace: string, annotations: Record<string, string>): Promise<void> {
  const labels = { app: 'web' };
  const probe = { httpGet: { path: '/ready', port: 8080 } };
  const app = { name: 'app', image: 'registry.example/app:1', readinessProbe: probe };
  const answer = await cluster.api.create(`/apis/apps/v1/namespaces/${namespace}/deployments`, {
    metadata: { name: 'web' },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations }, spec: { containers: [app] } },
    },
  });
  if (answer.status !== 201) throw new Error(answer.body.message);
}

/** What an autoscaler may do with a container. */
interface Policy {
  readonly containerName: string;
  readonly mode: 'Auto' | 'Off';
}

/** Lets an autoscaler give every container of the Deployment the recommended resources. */
async function autoscale(namespace: string, containerPolicies: readonly Policy[]): Promise<void> {
  const folder = `/apis/autoscaling.k8s.io/v1/namespaces/${namespace}/verticalpodautoscalers`;
  const answer = await cluster.api.create(folder, {
    apiVersion: 'autoscaling.k8s.io/v1',
    kind: 'VerticalPodAutoscaler',
    metadata: { name: 'web' },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      updatePolicy: { updateMode: 'Initial' },
      resourcePolicy: { containerPolicies },
    },
  });
  if (answer.status !== 201) throw new Error(answer.body.message);
  // As the recommender has it: nothing for containers that a policy leaves out.
  const left = new Set(containerPolicies.flatMap(({ containerName, mode }) => (mode === 'Off' ? [containerName] : [])));
  const scaled = ['app', 'istio-proxy', 'istio-init'].filter((name) => !left.has(name));
  const recommendation = { containerRecommendations: scaled.map(recommend) };
  const written = await cluster.api.patch(`${folder}/web/status`, { status: { recommendation } });
  if (written.status !== 200) throw new Error(written.body.message);
}

/** Creates a pod of the Deployment, again and again until it is as wanted. */
async function podOf(namespace: string, isWanted: (pod: Pod) => boolean): Promise<Pod> {
  const folder = `/api/v1/namespaces/${namespace}/pods`;
  await cluster.api.patch(`/apis/apps/v1/namespaces/${namespace}/deployments/web`, { spec: { replicas: 1 } });
  return until(
    `a pod of ${namespace}`,
    async () => {
      if (!autoscaler.program.isRunning()) throw new Error((await autoscaler.program.readLog()).slice(-4_000));
      const { body } = await cluster.api.get<{ items: Pod[] }>(folder);
      const [pod] = body.items;
      if (pod === undefined) return undefined;
      if (isWanted(pod)) return pod;
      await cluster.api.delete(`${folder}/${pod.metadata.name}?gracePeriodSeconds=0`);
      return undefined;
    },
    60_000,
  );
}

const isAutoscaled = ({ metadata }: Pod): boolean => metadata.annotations?.['vpaUpdates'] !== undefined;

/** The pod with an autoscaler, and the same without one. */
async function createBoth(
  annotations: Record<string, string>,
  policies: readonly Policy[] = [],
): Promise<{ readonly pod: Pod; readonly plain: Pod; readonly namespace: string }> {
  const [namespace, elsewhere] = [await cluster.createNamespace(injected), await cluster.createNamespace(injected)];
  await createWorkload(namespace, annotations);
  await createWorkload(elsewhere, annotations);
  await autoscale(namespace, policies);
  return { pod: await podOf(namespace, isAutoscaled), plain: await podOf(elsewhere, () => true), namespace };
}

const classic = { 'sidecar.istio.io/nativeSidecar': 'false' };
const orders = [
  ['before us', 'a-vpa', 'Never'],
  ['before us', 'a-vpa', 'IfNeeded'],
  ['after us', 'vpa-webhook-config', 'Never'],
  ['after us', 'vpa-webhook-config', 'IfNeeded'],
] as const;

describe.each(orders)('the autoscaler %s (%s, reinvocation %s)', (_when, name, policy) => {
  test('scales the application, and a native sidecar arrives as without it', async () => {
    await register(name, policy);
    const { pod, plain } = await createBoth({});
    expect(containerNames(pod)).toEqual(['istio-init', 'istio-proxy', 'app']);
    expect(containerOf(pod, 'app').resources?.requests).toEqual(recommended);
    expect(containerOf(pod, 'app')['readinessProbe']).toMatchObject({ httpGet: { port: 15020 } });
    expect(changesToOurs(pod, plain)).toEqual([]);
  });

  test('a classic sidecar is scaled where the autoscaler sees it, and is no reason to be created anew', async () => {
    await register(name, policy);
    const { pod, plain, namespace } = await createBoth(classic);
    expect(containerNames(pod)).toEqual(['istio-init', 'app', 'istio-proxy']);
    const isSeen = !(name === 'a-vpa' && policy === 'Never');
    const scaled = ['limits/cpu', 'limits/memory', 'requests/cpu', 'requests/memory'];
    // Threads, connections and memory of Envoy follow.
    const places = ['/istio-proxy/args/1', ...scaled.map((field) => `/istio-proxy/resources/${field}`)];
    expect(changesToOurs(pod, plain)).toEqual(isSeen ? places : []);
    const { results } = await runCheck(cluster.kubeconfig);
    expect(results.get('outdated-pods')?.found.filter((line) => line.includes(namespace))).toEqual([]);
  });

  test('left out by its policy, a classic sidecar arrives as without the autoscaler', async () => {
    await register(name, policy);
    const { pod, plain } = await createBoth(classic, [{ containerName: 'istio-proxy', mode: 'Off' }]);
    expect(containerOf(pod, 'app').resources?.requests).toEqual(recommended);
    expect(changesToOurs(pod, plain)).toEqual([]);
  });
});
