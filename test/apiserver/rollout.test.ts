import { execFile } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { root } from '../../scripts/checkout.ts';
import type { Pod } from '../support/http/api-client.ts';
import { kubectl } from '../support/cluster/kubectl.ts';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { injected, openTestCluster } from '../support/processes/test-cluster.ts';
import { until } from '../support/waiting.ts';

const cluster = openTestCluster(sharedCluster());
let namespace: string;
let kubelet: NodeJS.Timeout;

const podsOf = async (): Promise<readonly Pod[]> =>
  (await cluster.api.get<{ items: readonly Pod[] }>(`/api/v1/namespaces/${namespace}/pods`)).body.items;

/** In place of a kubelet: says of every pod that it is ready. */
async function markReady(): Promise<void> {
  for (const { metadata } of await podsOf()) {
    const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    await cluster.api.patch(`/api/v1/namespaces/${namespace}/pods/${metadata.name}/status`, { status });
  }
}

beforeAll(async () => {
  namespace = await cluster.createNamespace(injected);
  kubelet = setInterval(() => void markReady(), 500);
});
afterAll(() => {
  clearInterval(kubelet);
  cluster.api.close();
});

function rollout(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const program = path.join(root, 'bin/sidecar-injector.mjs');
  // There is no pod network here, so that no Service leads to the injector and its ConfigMaps.
  const settings = path.join(root, 'deploy/base/settings.yaml');
  const where = ['-n', namespace, '--kubeconfig', cluster.kubeconfig, '--settings', settings];
  const all = [program, 'rollout', ...args, ...where];
  return new Promise((resolve) => {
    execFile(process.execPath, all, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

const cpuOf = ({ spec: { initContainers = [], containers } }: Pod): unknown =>
  [...initContainers, ...containers].find(({ name }) => name === 'istio-proxy')?.resources?.requests?.['cpu'];

test('outdated pods are found, and replaced by the controller of their Deployment', async () => {
  const container = {
    name: 'app',
    image: 'registry.example/app:1',
    ports: [{ containerPort: 8080 }],
    readinessProbe: { httpGet: { port: 8080 } },
    resources: { requests: { cpu: '0.5' } },
  };
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };
  const spec = { replicas: 2, selector: { matchLabels: { app: 'web' } }, template };
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec };
  await kubectl(cluster.kubeconfig, ['apply', '-n', namespace, '-f', '-'], JSON.stringify(object));
  await until('two injected pods', async () => ((await podsOf()).length === 2 ? true : undefined));

  const fresh = await rollout('status', '-o', 'json');
  expect(fresh.stderr).toBe('');
  expect(JSON.parse(fresh.stdout)).toMatchObject({ pods: 2, owners: 1, outdated: [] });
  expect(fresh.code).toBe(0);

  const defaults = ['sidecar-injector.io/defaults=true', 'sidecar.istio.io/proxyCPU=77m'];
  await kubectl(cluster.kubeconfig, ['annotate', 'namespace', namespace, ...defaults]);
  const outdated = await rollout('status', '-o', 'json');
  expect(JSON.parse(outdated.stdout)).toMatchObject({ outdated: [`${namespace} Deployment/web`] });
  expect(outdated.code).toBe(3);

  await until('the webhook knows', async () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'probe' }, spec: template.spec };
    const { body } = await cluster.createPod(namespace, pod, 'dryRun=All');
    return cpuOf(body) === '77m' ? true : undefined;
  });
  // Until all pods are ready, the Deployment is left alone.
  const restarted = await until('the restart', async () => {
    const answer = await rollout('restart', '--outdated', '--timeout', '60s');
    return answer.stderr.includes('not available as a whole') ? undefined : answer;
  });
  expect(restarted.stderr).toBe('');
  expect(restarted.stdout).toMatch(/Deployment\/web: available again after \d+ s \(1 of 1\)/);
  expect(restarted.code).toBe(0);
  expect((await podsOf()).map(cpuOf)).toEqual(['77m', '77m']);
  expect((await rollout('status')).code).toBe(0);
});
