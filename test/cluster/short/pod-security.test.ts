import { describe, expect, jest, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { createClusterNamespace, readyCount } from '../../support/cluster/cluster-namespace.ts';
import { injected } from '../../support/processes/test-cluster.ts';
import { servingTemplate } from '../../support/cluster/workbench.ts';

jest.setTimeout(150_000);

/** A pod that every level of Pod Security allows. */
function strictPod(name: string, annotations: JsonObject = {}): JsonObject {
  const template = servingTemplate('strict');
  const spec = template['spec'] as JsonObject;
  const [container = {}] = spec['containers'] as JsonObject[];
  const securityContext = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    runAsNonRoot: true,
    runAsUser: 1000,
    seccompProfile: { type: 'RuntimeDefault' },
  };
  const containers = [{ ...container, securityContext }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, annotations }, spec: { ...spec, containers } };
}

describe.each(['baseline', 'restricted'])('Pod Security %s', (level) => {
  test('refuses the init container that needs NET_ADMIN, with the container’s name; without capture the pod runs', async () => {
    const namespace = await createClusterNamespace({ ...injected, 'pod-security.kubernetes.io/enforce': level });
    await expect(namespace.apply(strictPod('captured'))).rejects.toThrow(
      new RegExp(`violates PodSecurity "${level}:latest".*container "istio-init".*"NET_ADMIN", "NET_RAW"`),
    );
    await namespace.apply(strictPod('free', { 'sidecar.istio.io/interceptionMode': 'NONE' }));
    const pod = await namespace.untilPod('free');
    expect(readyCount(pod)).toBe('2/2');
    expect(pod.spec.initContainers?.map(({ name }) => name)).toEqual(['istio-proxy']);
    await namespace.remove();
  });
});
