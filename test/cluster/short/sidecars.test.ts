import { expect, jest, test } from '@jest/globals';
import { createClusterNamespace, readyCount } from '../../support/cluster/cluster-namespace.ts';
import { busyConfig, busyPod } from '../../support/sidecars/busy-pod.ts';
import { dutyOf } from '../../support/sidecars/shipped-sidecars.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { idlePod } from '../../support/cluster/workbench.ts';

jest.setTimeout(150_000);

test('two shipped sidecars and the proxy do their work in one pod', async () => {
  const namespace = await createClusterNamespace(injected);
  const pair = ['log-shipper', 'metrics-exporter'];
  await namespace.apply(busyConfig, busyPod('web', pair), idlePod('client'));
  const [pod] = await Promise.all([namespace.untilPod('web'), namespace.untilPod('client')]);
  expect(readyCount(pod)).toBe('4/4');
  for (const sidecar of pair) await dutyOf(sidecar)(namespace, 'web');
  await namespace.remove();
});
