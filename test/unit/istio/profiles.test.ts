import { describe, expect, test } from '@jest/globals';
import { decide, type JsonObject } from '../../../src/index.ts';
import { undo } from '../../../src/injection/patch/undo.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import { createSnapshot } from '../../../src/injection/build-snapshot.ts';
import { injectWithIstiod, istioPod, istiodSnapshot } from '../../support/processes/istiod.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';

const istiod = { values: { global: { tag: '1.28.0' } } };

/** Settings with one profile for the namespace `demo`. */
function snapshotWith(profile: object, hardened = true): Snapshot {
  const profiles = [{ name: 'tight', namespaces: ['demo'], ...profile }];
  return istiodSnapshot({}, { spec: { istiod: { hardened, ...istiod }, profiles } });
}

function annotated(annotations: object): JsonObject {
  return istioPod({ annotations });
}

function problems(annotations: object, profile: object): string[] {
  const decision = decide({ pod: annotated(annotations), namespace: 'demo' }, snapshotWith(profile));
  return decision.outcome === 'deny' ? decision.reasons.map(({ message }) => message) : [];
}

describe('a profile presets, where the settings are hardened', () => {
  test('resources of both containers, each its own', () => {
    const { container } = injectWithIstiod(
      istioPod(),
      snapshotWith({ resources: { limits: { cpu: '50m' } }, initResources: { limits: { memory: '64Mi' } } }),
    );
    expect(container('istio-proxy')?.['resources']).toEqual({
      requests: { cpu: '50m', memory: '128Mi' },
      limits: { cpu: '50m', memory: '1024Mi' },
    });
    expect(container('istio-init')?.['resources']).toEqual({
      requests: { cpu: '100m', memory: '64Mi' },
      limits: { cpu: '2000m', memory: '64Mi' },
    });
  });

  test('log level and interception mode, below the pod’s own', () => {
    const snapshot = snapshotWith({ logLevel: 'error', interceptionMode: 'NONE' });
    const plain = injectWithIstiod(istioPod(), snapshot);
    expect(plain.argumentsOf('istio-proxy')).toContain('--proxyLogLevel=error');
    expect(plain.container('istio-init')).toBeUndefined();
    const own = injectWithIstiod(
      annotated({ 'sidecar.istio.io/logLevel': 'info', 'sidecar.istio.io/interceptionMode': 'REDIRECT' }),
      snapshot,
    );
    expect(own.argumentsOf('istio-proxy')).toContain('--proxyLogLevel=info');
    expect(own.container('istio-init')).toBeDefined();
  });

  test('patches of the finished containers', () => {
    const snapshot = snapshotWith({
      proxyPatch: [{ op: 'add', path: '/env/-', value: { name: 'TZ', value: 'UTC' } }],
      initPatch: [{ op: 'add', path: '/imagePullPolicy', value: 'Always' }],
    });
    const injected = injectWithIstiod(istioPod(), snapshot);
    expect(injected.variable('TZ')).toBe('UTC');
    expect(injected.container('istio-init')).toMatchObject({ imagePullPolicy: 'Always' });
  });

  test('a patch that does not fit denies the pod', () => {
    const profile = { proxyPatch: [{ op: 'remove', path: '/lifecycle/postStart' }] };
    expect(problems({}, profile)).toEqual([
      expect.stringContaining(
        "container istio-proxy: the profile's patch does not apply (remove /lifecycle/postStart)",
      ),
    ]);
  });

  test('the pod that names one gets it, or hears why not', () => {
    const profiles = [{ name: 'large', resources: { limits: { cpu: '8' } } }];
    const snapshot = istiodSnapshot({}, { spec: { istiod: { hardened: true, ...istiod }, profiles } });
    const asking = (name: string) =>
      injectWithIstiod(istioPod({ labels: { 'sidecar-injector.io/profile': name } }), snapshot);
    expect(asking('large').container('istio-proxy')).toMatchObject({ resources: { limits: { cpu: '8' } } });
    expect(asking('large').decision.warnings).toEqual([]);
    expect(asking('lage').decision.warnings).toEqual([expect.stringContaining('did you mean "large"')]);
  });
});

describe('with hardened settings one resource annotation leaves the others alone', () => {
  const snapshot = istiodSnapshot({}, { spec: { istiod: { hardened: true, ...istiod } } });

  test.each([
    [{ proxyCPU: '200m' }, { requests: { cpu: '200m', memory: '128Mi' }, limits: { cpu: '2000m', memory: '1024Mi' } }],
    [{ proxyCPU: '3' }, { requests: { cpu: '3', memory: '128Mi' }, limits: { cpu: '3', memory: '1024Mi' } }],
    [
      { proxyMemoryLimit: '64Mi' },
      { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '2000m', memory: '64Mi' } },
    ],
  ])('%j', (wanted, expected) => {
    const annotations = Object.fromEntries(
      Object.entries(wanted).map(([name, value]) => [`sidecar.istio.io/${name}`, value]),
    );
    const { container } = injectWithIstiod(annotated(annotations), snapshot);
    expect(container('istio-proxy')?.['resources']).toEqual(expected);
    expect(container('istio-init')?.['resources']).toEqual({
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { cpu: '2000m', memory: '1024Mi' },
    });
  });
});

describe('caps of a profile, where the settings are hardened', () => {
  const traffic = 'traffic.sidecar.istio.io/excludeOutboundPorts';

  test.each<[object, object, string[]]>([
    [{ 'sidecar.istio.io/proxyCPU': '600m' }, { cpu: '500m' }, ['sidecar.istio.io/proxyCPU']],
    [{ 'sidecar.istio.io/proxyCPU': '500m' }, { cpu: '500m' }, []],
    [
      { 'sidecar.istio.io/proxyMemoryLimit': '2Gi', 'sidecar.istio.io/logLevel': 'debug' },
      { memory: '1Gi', logLevel: 'info' },
      ['sidecar.istio.io/proxyMemoryLimit', 'sidecar.istio.io/logLevel'],
    ],
    [
      { 'sidecar.istio.io/componentLogLevel': 'http:trace' },
      { logLevel: 'info' },
      ['sidecar.istio.io/componentLogLevel'],
    ],
    [{ [traffic]: '5432' }, { capture: 'fixed' }, [traffic]],
    [{ [traffic]: '' }, { capture: 'fixed' }, []],
    [{ 'sidecar.istio.io/interceptionMode': 'NONE' }, { capture: 'fixed' }, ['sidecar.istio.io/interceptionMode']],
    [{ 'proxy.istio.io/config': 'interceptionMode: NONE' }, { capture: 'fixed' }, ['proxy.istio.io/config']],
    [{ 'status.sidecar.istio.io/port': '99' }, { capture: 'fixed' }, ['status.sidecar.istio.io/port']],
    [{ 'sidecar.istio.io/logLevel': 'debug', [traffic]: '1' }, { capture: 'open' }, []],
  ])('%j under %j', (annotations, caps, expected) => {
    expect(problems(annotations, { caps }).map((text) => text.split(':')[0])).toEqual(expected);
  });
});

describe('own copies of injected containers, where the settings are hardened', () => {
  const own = (caps: object, list: 'initContainers' | 'containers', container: JsonObject): string[] => {
    const pod: JsonObject = { spec: { containers: [{ name: 'app', image: 'a' }] } };
    const spec = pod['spec'] as Record<string, JsonObject[]>;
    spec[list] = [...(spec[list] ?? []), container];
    const { reasons } = decide({ pod, namespace: 'demo' }, snapshotWith({ caps }, true));
    return reasons.filter(({ code }) => code === 'InvalidOverride').map(({ message }) => message);
  };

  test.each(['istio-init', 'istio-proxy'])(
    '%s may not run anything as root or as the proxy under fixed capture',
    (name) => {
      const list = name === 'istio-init' ? 'initContainers' : 'containers';
      const found = own({ capture: 'fixed' }, list, {
        name,
        image: 'auto',
        env: [{ name: 'LD_PRELOAD', value: '/x' }],
      });
      expect(found).toEqual([`container "${name}", env: may not be set; allowed: name, image, resources`]);
    },
  );

  test('istio-init may not with open capture either', () => {
    const mounts = { name: 'istio-init', image: 'auto', volumeMounts: [{ name: 'x', mountPath: '/usr/local/bin' }] };
    expect(own({}, 'initContainers', mounts)).toEqual([
      'container "istio-init", volumeMounts: may not be set; allowed: name, image, resources',
    ]);
  });
});

describe('without hardened settings a profile has no effect, and that is said', () => {
  const profile = { resources: { limits: { cpu: '50m' } }, logLevel: 'error', caps: { cpu: '1m' } };

  test('the patch is Istio’s', () => {
    const pod = annotated({ 'sidecar.istio.io/proxyCPU': '600m' });
    const operations = (snapshot: Snapshot) =>
      decide({ pod, namespace: 'demo' }, snapshot).operations.filter(({ path }) => path.startsWith('/spec'));
    expect(operations(snapshotWith(profile, false))).toEqual(operations(istiodSnapshot()));
  });

  test('to the pods that it is for', () => {
    const warnings = (namespace: string) =>
      decide({ pod: istioPod(), namespace }, snapshotWith(profile, false)).warnings;
    expect(warnings('demo')).toEqual([
      'sidecar-injector: profile "tight" has no effect in the mode istiod without the setting istiod.hardened',
    ]);
    expect(warnings('other')).toEqual([]);
  });
});

test('a patch for Istio’s container alone is no problem of the settings', () => {
  const profiles = [{ name: 'p', proxyPatch: [{ op: 'remove', path: '/lifecycle/preStop' }] }];
  const settings = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration' };
  const spec = { mode: 'istiod', istiod: { hardened: true, ...istiod }, profiles };
  expect(createSnapshot({ settings: { ...settings, spec } })).toHaveProperty('snapshot');
});

describe('no proxy becomes privileged, where the settings are hardened', () => {
  const traces = 'proxyMetadata: {IPTABLES_TRACE_LOGGING: "true"}';
  const t = { spec: { containers: [{ name: 'istio-proxy', securityContext: { privileged: true } }] } };

  test.each<[string, object]>([
    ['the pod’s own proxy configuration', { 'proxy.istio.io/config': traces }],
    ['a template of the values', { 'inject.istio.io/templates': 'sidecar,t' }],
  ])('by %s: denied, and not let through without a proxy', (_what, annotations) => {
    const values = { ...istiod.values, sidecarInjectorWebhook: { templates: { t } } };
    const snapshot = istiodSnapshot({}, { spec: { istiod: { hardened: true, values } } });
    const { outcome, reasons } = decide({ pod: annotated(annotations), namespace: 'demo' }, snapshot);
    expect([outcome, reasons.map(({ code }) => code)]).toEqual(['deny', ['PrivilegeNotAllowed']]);
    expect(reasons[0].message).toContain('container "istio-proxy" would be privileged');
  });

  test.each<[object, object, string]>([
    [{ global: { tag: '1', proxy: { privileged: true } } }, {}, 'spec.istiod.values.global.proxy.privileged'],
    [
      { global: { tag: '1' } },
      { defaultConfig: { proxyMetadata: { IPTABLES_TRACE_LOGGING: 'true' } } },
      'spec.istiod.meshConfig.defaultConfig.proxyMetadata.IPTABLES_TRACE_LOGGING',
    ],
  ])('by %j %j: a problem of the settings', (values, meshConfig, where) => {
    const spec = { mode: 'istiod', istiod: { hardened: true, values, meshConfig } };
    const settings = { apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration', spec };
    const message = 'makes the proxy privileged, which spec.istiod.hardened does not allow; remove it';
    expect(createSnapshot({ settings })).toEqual({ problems: [{ where, message }] });
  });
});

test('what hardened settings add is in the status, and goes with uninject', () => {
  const pod = istioPod();
  const injected = injectWithIstiod(pod, istiodSnapshot({}, { spec: { istiod: { hardened: true, ...istiod } } }));
  expect(injected.annotation('sidecar.istio.io/status')).toContain('"istio-ca-crl","istio-token-mask"]');
  expect(applyToValue(injected.pod, undo(injected.pod)?.operations ?? [])).toEqual(pod);
});
