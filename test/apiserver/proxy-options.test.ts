import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sharedCluster } from '../support/processes/shared-cluster.ts';
import { injected, makePod, openTestCluster } from '../support/processes/test-cluster.ts';

const cluster = openTestCluster(sharedCluster());
let namespace: string;

beforeAll(async () => {
  namespace = await cluster.createNamespace(injected);
});
afterAll(() => cluster.api.close());

describe('the API server stores', () => {
  test.each([
    ['the drain that was asked for', 30, '5', 5],
    ['no more than the grace period has room for', 4, '3600', 3],
  ])('%s', async (_, grace, asked, seconds) => {
    const annotations = { 'sidecar-injector.io/applicationDrainSeconds': asked };
    const pod = makePod(`drain-${asked}`, { metadata: { annotations } });
    const spec = { ...(pod as { spec: object }).spec, terminationGracePeriodSeconds: grace };
    const { status, body } = await cluster.createPod(namespace, { ...pod, spec });
    expect(status).toBe(201);
    const app = (body as unknown as { spec: { containers: { name: string; lifecycle?: object }[] } }).spec.containers;
    expect(app.find(({ name }) => name === 'app')?.lifecycle).toEqual({ preStop: { sleep: { seconds } } });
  });

  test('a pod whose metrics are merged, with the annotations that say where', async () => {
    const annotations = { 'prometheus.istio.io/merge-metrics': 'true', 'prometheus.io/port': '9102' };
    const { status, body } = await cluster.createPod(namespace, makePod('merged', { metadata: { annotations } }));
    expect(status).toBe(201);
    expect(body.metadata.annotations).toMatchObject({
      'prometheus.io/scrape': 'true',
      'prometheus.io/port': '15020',
      'prometheus.io/path': '/stats/prometheus',
    });
  });
});
