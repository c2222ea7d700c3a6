import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { createClusterNamespace, readyCount, type ClusterNamespace } from '../../support/cluster/cluster-namespace.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { idlePod, servingObjects, servingTemplate } from '../../support/cluster/workbench.ts';

jest.setTimeout(150_000);

const label = (value: string) => ({ labels: { 'sidecar.istio.io/inject': value } });
let enabled: ClusterNamespace;
let plain: ClusterNamespace;

beforeAll(async () => {
  [enabled, plain] = await Promise.all([createClusterNamespace(injected), createClusterNamespace()]);
});
afterAll(() => Promise.all([enabled.remove(), plain.remove()]));

describe('labels choose', () => {
  test('an enabled namespace injects every pod but those that refuse', async () => {
    await enabled.apply(idlePod('asked-nothing'), idlePod('refused', label('false')));
    expect(readyCount(await enabled.untilPod('asked-nothing'))).toBe('2/2');
    expect(readyCount(await enabled.untilPod('refused'))).toBe('1/1');
  });

  test('a namespace without the label injects the pods that ask alone', async () => {
    await plain.apply(idlePod('asked-nothing'), idlePod('asked', label('true')));
    expect(readyCount(await plain.untilPod('asked'))).toBe('2/2');
    expect(readyCount(await plain.untilPod('asked-nothing'))).toBe('1/1');
  });

  test('a disabled namespace injects none, not even those that ask', async () => {
    const disabled = await createClusterNamespace({ 'istio-injection': 'disabled' });
    await disabled.apply(idlePod('asked', label('true')));
    expect(readyCount(await disabled.untilPod('asked'))).toBe('1/1');
    await disabled.remove();
  });

  test('a typing error refuses the pod with a sentence', async () => {
    await expect(enabled.apply(idlePod('typing-error', label('yes')))).rejects.toThrow(
      /denied the request: .*sidecar\.istio\.io\/inject.*"yes"/,
    );
  });
});

test('a running namespace changes over with the label and a restart, and back without it', async () => {
  const namespace = await createClusterNamespace();
  const counts = async () => (await namespace.pods('app=web')).map(readyCount);
  await namespace.apply(...servingObjects('web', servingTemplate('web'), 2));
  await namespace.rollOut('deployment/web');
  expect(await counts()).toEqual(['1/1', '1/1']);
  for (const [change, expected] of [
    ['istio-injection=enabled', '2/2'],
    ['istio-injection-', '1/1'],
  ] as const) {
    await namespace.kubectl('label', 'namespace', namespace.name, change);
    expect(await counts()).not.toContain(expected);
    await namespace.kubectl('rollout', 'restart', 'deployment/web');
    await namespace.rollOut('deployment/web');
    expect(await counts()).toEqual([expected, expected]);
  }
  await namespace.remove();
});
