import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { root } from '../../../scripts/checkout.ts';
import { createClusterNamespace, readyCount, type ClusterNamespace } from '../../support/cluster/cluster-namespace.ts';
import { report } from '../../support/cluster/findings.ts';
import { system } from '../../support/cluster/system-namespace.ts';
import { idlePod } from '../../support/cluster/workbench.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { until } from '../../support/waiting.ts';

jest.setTimeout(240_000);

let namespace: ClusterNamespace;
beforeAll(async () => {
  namespace = await createClusterNamespace(injected);
  await namespace.apply(idlePod('before'));
  expect(readyCount(await namespace.untilPod('before'))).toBe('2/2');
});
afterEach(async () => {
  await system.kubectl('apply', '-f', path.join(root, 'deploy/install.yaml'));
});
afterAll(() => namespace.remove());

/** Waits until new pods have, or have not, a sidecar, and returns how long that took. */
async function untilNewPods(areInjected: boolean): Promise<number> {
  const start = performance.now();
  const names = 'jsonpath={.spec.initContainers[*].name} {.spec.containers[*].name}';
  const run = ['run', 'probe', '--image=cluster.test/workbench:1', '--dry-run=server', `--output=${names}`];
  await until(
    `new pods ${areInjected ? 'with' : 'without'} a sidecar`,
    async () => (await namespace.kubectl(...run)).includes('istio-proxy') === areInjected || undefined,
    150_000,
  );
  return Math.round(performance.now() - start);
}

async function expectPaused(): Promise<void> {
  expect(readyCount(await namespace.untilPod('before'))).toBe('2/2');
  await namespace.apply(idlePod('meanwhile'));
  expect(readyCount(await namespace.untilPod('meanwhile'))).toBe('1/1');
  await namespace.kubectl('delete', 'pod', 'meanwhile', '--wait', '--grace-period=1');
}

test('the label of a namespace pauses injection and resumes it; pods that run are not touched', async () => {
  await namespace.kubectl('label', 'namespace', namespace.name, 'sidecar-injector.io/paused=true');
  const pausedMs = await untilNewPods(false);
  await expectPaused();
  await namespace.kubectl('label', 'namespace', namespace.name, 'sidecar-injector.io/paused-');
  report('pause by label', { pausedMs, resumedMs: await untilNewPods(true) });
});

test('the setting pauses injection and resumes it, without a restart', async () => {
  const start = performance.now();
  await system.useSettings({ injection: { paused: true } });
  await untilNewPods(false);
  const pausedMs = Math.round(performance.now() - start);
  await expectPaused();
  await system.useSettings({});
  await untilNewPods(true);
  report('pause by setting', { pausedMs });
});
