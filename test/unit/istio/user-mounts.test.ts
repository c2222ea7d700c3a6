import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { decideOn, podWith } from '../../support/builders/decisions.ts';
import { injectWithIstiod } from '../../support/processes/istiod.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const snapshot = snapshotOf({ mode: 'istiod', istiod: { values: { global: { tag: '1.28.0' } } } });
const mount = { 'sidecar.istio.io/userVolumeMount': '{"cache":{"mountPath":"/cache"}}' };
const volumes = [{ name: 'cache', emptyDir: {} }];

describe('a mount by annotation', () => {
  test('of a volume that nobody has is refused, with what there is', () => {
    const { outcome, reasons } = decideOn(podWith({ annotations: mount }), snapshot);
    expect([outcome, reasons.map(({ code }) => code)]).toEqual(['deny', ['InvalidAnnotation']]);
    expect(reasons[0].message).toMatch(
      /^sidecar\.istio\.io\/userVolumeMount: "cache" is no volume of the pod; allowed: .*istio-data/,
    );
  });

  test.each<[what: string, annotations: JsonObject, spec: JsonObject]>([
    ['a volume of the pod', mount, { volumes }],
    ['a volume by annotation', { ...mount, 'sidecar.istio.io/userVolume': '{"cache":{"emptyDir":{}}}' }, {}],
    ['a volume of the proxy', { 'sidecar.istio.io/userVolumeMount': '{"istio-data":{"mountPath":"/x"}}' }, {}],
    [
      'a claim that the application mounts',
      mount,
      { containers: [{ name: 'app', volumeMounts: [{ name: 'cache', mountPath: '/a' }] }] },
    ],
    ['nothing, where no template has the proxy', { ...mount, 'inject.istio.io/templates': 'gateway' }, { volumes }],
  ])('of %s is injected', (_what, annotations, spec) => {
    const { outcome, reasons } = decideOn(podWith({ annotations, spec }), snapshot);
    expect([outcome, reasons[0].code]).toEqual(['inject', 'PolicyEnabled']);
  });
});

test('keys of another case reach the API server as it spells them', () => {
  const annotations = {
    'sidecar.istio.io/userVolume': '{"v":{"csi":{"driver":"d","volumeattributes":{"Readonly":"x"}}}}',
    'sidecar.istio.io/userVolumeMount': '{"v":{"mountpath":"/v","readonly":true}}',
  };
  const { pod, container } = injectWithIstiod(podWith({ annotations }), snapshot);
  expect(pod).toMatchObject({
    spec: {
      volumes: expect.arrayContaining([{ name: 'v', csi: { driver: 'd', volumeAttributes: { Readonly: 'x' } } }]),
    },
  });
  expect(container('istio-proxy')?.['volumeMounts']).toContainEqual({ name: 'v', mountPath: '/v', readOnly: true });
});
