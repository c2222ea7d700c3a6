import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { containerOf, decideOn, injectedPod, podWith } from '../../support/builders/decisions.ts';
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

const volume = (name: string): JsonObject => ({ name, emptyDir: {} });
const mounts = (entries: object): JsonObject => ({ 'sidecar.istio.io/userVolumeMount': JSON.stringify(entries) });

describe('what would make no valid pod is refused with its reason, not let through without a proxy', () => {
  test.each<[what: string, template: string, annotations: JsonObject, message: string]>([
    [
      'a path of the proxy',
      'sidecar',
      mounts({ v: { mountPath: '/etc/istio/proxy' } }),
      'userVolumeMount: "/etc/istio/proxy" is mounted twice, for "istio-envoy" and "v"; choose another path',
    ],
    [
      'a path of the agent',
      'grpc-agent',
      mounts({ v: { mountPath: '/etc/istio/proxy' } }),
      'userVolumeMount: "/etc/istio/proxy" is mounted twice, for "istio-xds" and "v"; choose another path',
    ],
    [
      'one path for two volumes',
      'sidecar',
      mounts({ v: { mountPath: '/x' }, w: { mountPath: '/x' } }),
      'userVolumeMount: "/x" is mounted twice, for "v" and "w"; choose another path',
    ],
    ['no path', 'sidecar', mounts({ v: {} }), 'userVolumeMount: "v" has no mountPath; allowed: an absolute path'],
    ['no volume', 'grpc-agent', mount, 'userVolumeMount: "cache" is no volume of the pod; allowed: '],
    [
      'the name of a volume of the proxy',
      'sidecar',
      { 'sidecar.istio.io/userVolume': '{"istio-data":{"emptyDir":{}}}' },
      'userVolume: "istio-data" is the name of another volume of the pod; rename it',
    ],
  ])('%s, %s', (what, template, annotations, message) => {
    const volumes = what.startsWith('the name') ? {} : { volumes: [volume('v'), volume('w')] };
    const pod = podWith({ annotations: { 'inject.istio.io/templates': template, ...annotations }, spec: volumes });
    const { outcome, reasons } = decideOn(pod, snapshot);
    expect([outcome, reasons[0].code]).toEqual(['deny', 'InvalidAnnotation']);
    expect(reasons[0].message).toContain(`sidecar.istio.io/${message}`);
  });

  const proxy = { name: 'istio-proxy', image: 'auto' };
  const twoPaths = ['v', 'w'].map((name) => ({ name, mountPath: '/data/x' }));

  test.each<[what: string, spec: JsonObject, code: string, message: string]>([
    [
      'a copy of the proxy that mounts no volume',
      { containers: [{ name: 'app' }, { ...proxy, volumeMounts: [{ name: 'zz', mountPath: '/data/x' }] }] },
      'InvalidOverride',
      'container "istio-proxy": volumeMounts: "zz" is no volume of the pod; allowed: ',
    ],
    [
      'a copy of the proxy that mounts one path twice',
      { containers: [{ name: 'app' }, { ...proxy, volumeMounts: twoPaths }], volumes: [volume('v'), volume('w')] },
      'InvalidOverride',
      'container "istio-proxy": volumeMounts: "/data/x" is there twice',
    ],
    [
      'a copy of the proxy with one port twice',
      { containers: [{ name: 'app' }, { ...proxy, ports: [{ containerPort: 1 }, { containerPort: 1 }] }] },
      'InvalidOverride',
      'container "istio-proxy": ports: 1/TCP is there twice',
    ],
  ])('%s', (_what, spec, code, message) => {
    for (const settings of [snapshot, snapshotOf()]) {
      const { outcome, reasons } = decideOn(podWith({ spec }), settings);
      expect([outcome, reasons[0].code]).toEqual(['deny', code]);
      expect(reasons[0].message).toContain(message);
    }
  });

  test.each<[what: string, spec: JsonObject, message: string]>([
    [
      'two init containers of one name',
      { initContainers: [{ name: 'istio-init' }, { name: 'istio-init' }] },
      'container "istio-init" is there twice',
    ],
    ['two volumes', { volumes: [volume('istio-data'), volume('istio-data')] }, 'volume "istio-data" is there twice'],
  ])('%s', (_what, spec, message) => {
    const { outcome, reasons } = decideOn(podWith({ spec }), snapshot);
    expect([outcome, reasons.map((one) => one.code), reasons[0].message]).toEqual(['deny', ['InvalidPod'], message]);
  });
});

test.each(['sidecar', 'gateway', 'grpc-agent'])(
  '%s: a port for TCP and UDP, and a claim that an application mounts',
  (name) => {
    const ports = [
      { containerPort: 443, name: 'https' },
      { containerPort: 443, name: 'quic', protocol: 'UDP' },
    ];
    const claimed = [{ name: 'claimed', mountPath: '/data/x' }];
    const proxy = { name: 'istio-proxy', image: 'auto', ports, volumeMounts: claimed };
    const spec = { initContainers: [], containers: [{ name: 'app', volumeMounts: claimed }, proxy] };
    const pod = podWith({ annotations: { 'inject.istio.io/templates': name }, spec });
    const injected = containerOf(injectedPod(pod, snapshot), 'istio-proxy') as unknown as JsonObject;
    expect(injected['ports']).toEqual(expect.arrayContaining(ports));
  },
);
