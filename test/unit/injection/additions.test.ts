import { expect, test } from '@jest/globals';
import { undo } from '../../../src/index.ts';
import { containerOf, decideOn, injectedPod, namesOf, podWith } from '../../support/builders/decisions.ts';
import type { JsonObject } from '../../../src/json/json.ts';

const annotations = {
  'sidecar.istio.io/userVolume': '{"cache":{"emptyDir":{}}}',
  'sidecar.istio.io/userVolumeMount': '{"cache":{"mountPath":"/cache"},"certs":{"mountPath":"/certs","readOnly":true}}',
  'sidecar-injector.io/proxyEnv': '{"TZ":"UTC"}',
};
const volumes = [{ name: 'certs', secret: { secretName: 'mine' } }];

test('the proxy gets what the pod adds: a new volume, one that the pod has, a variable', () => {
  const pod = injectedPod(podWith({ annotations, spec: { volumes } }));
  const proxy = containerOf(pod, 'istio-proxy');
  expect(namesOf(pod.spec.volumes)).toContain('cache');
  expect(proxy['volumeMounts']).toEqual(
    expect.arrayContaining([
      { name: 'cache', mountPath: '/cache' },
      { name: 'certs', mountPath: '/certs', readOnly: true },
    ]),
  );
  expect((proxy['env'] as unknown[]).at(-1)).toEqual({ name: 'TZ', value: 'UTC' });
  expect(containerOf(pod, 'istio-init')['volumeMounts']).toHaveLength(1);
});

test('it goes again with the proxy', () => {
  const plain = podWith({ annotations, spec: { volumes } });
  const pod = structuredClone(injectedPod(plain)) as unknown as JsonObject;
  expect(undo(pod)?.operations.map(({ path }) => path)).toEqual(
    expect.arrayContaining([expect.stringMatching(/^\/spec\/volumes\//)]),
  );
});

test('a mount of a volume that nobody has is refused', () => {
  expect(decideOn(podWith({ annotations })).reasons).toEqual([
    {
      code: 'InvalidAnnotation',
      message: 'sidecar.istio.io/userVolumeMount: "certs" is no volume of the pod; allowed: cache',
    },
  ]);
});

test('a volume that the pod has already is a conflict that names both sides', () => {
  const decision = decideOn(podWith({ annotations, spec: { volumes: [...volumes, { name: 'cache', emptyDir: {} }] } }));
  expect(decision.reasons).toEqual([
    { code: 'NameConflict', message: 'volume "cache" of sidecar "sidecar" is also in the pod; rename one of them' },
  ]);
});
