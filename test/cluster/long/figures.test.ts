import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createClusterNamespace, type ClusterNamespace } from '../../support/cluster/cluster-namespace.ts';
import { report } from '../../support/cluster/findings.ts';
import { startLoad } from '../../support/http/load.ts';
import { startPodStream } from '../../support/cluster/pod-stream.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { measureUsage } from '../../support/cluster/usage.ts';
import { servingObjects, servingTemplate } from '../../support/cluster/workbench.ts';

jest.setTimeout(240_000);

/** Long enough for the kubelet, which measures every ten seconds or so. */
const windowMs = 30_000;
let withProxy: ClusterNamespace;
let without: ClusterNamespace;

beforeAll(async () => {
  [withProxy, without] = await Promise.all([createClusterNamespace(injected), createClusterNamespace()]);
  for (const namespace of [withProxy, without]) await namespace.apply(...servingObjects('web', servingTemplate('web')));
  await Promise.all([withProxy.rollOut('deployment/web'), without.rollOut('deployment/web')]);
});
afterAll(() => Promise.all([withProxy.remove(), without.remove()]));

const replicas = { namespace: 'sidecar-injector-system', prefix: 'sidecar-injector-', container: 'injector' };
const proxy = () => ({ namespace: withProxy.name, prefix: 'web-', container: 'istio-proxy' });

test('what both replicas use, idle and while pods are created', async () => {
  report('both replicas, idle', await measureUsage(replicas, () => pause(windowMs)));
  const stream = await startPodStream(withProxy.name, 10);
  const usage = await measureUsage(replicas, () => pause(windowMs));
  const { created, refused } = await stream.stop();
  report('both replicas, while pods are created', {
    ...usage,
    createdPerSecond: Math.round(created / (windowMs / 1000)),
  });
  expect(refused).toEqual({});
});

test('what an Envoy uses, idle and under load', async () => {
  report('Envoy, idle', await measureUsage(proxy(), () => pause(windowMs)));
  const load = await startLoad(without, { url: `http://web.${withProxy.name}/`, perSecond: 200 });
  const usage = await measureUsage(proxy(), () => pause(windowMs));
  const { sent, outcomes } = await load.stop();
  report('Envoy, under load', { ...usage, sent, outcomes });
  expect(Object.keys(outcomes)).toEqual(['200']);
});

test('what the sidecar adds to the latency, from all four ways to have it', async () => {
  const asking = { without, injected: withProxy };
  const metadata = { labels: { 'sidecar.istio.io/inject': 'true' } };
  for (const [from, namespace] of Object.entries(asking)) {
    for (const [to, target] of Object.entries(asking)) {
      const load = await startLoad(namespace, {
        url: `http://web.${target.name}/`,
        perSecond: 100,
        ...(from === 'injected' && { metadata }),
      });
      await pause(10_000);
      const figures = await load.stop();
      report(`latency, client ${from}, server ${to}`, figures);
      expect(Object.keys(figures.outcomes)).toEqual(['200']);
    }
  }
});
