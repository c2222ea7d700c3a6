import { describe, expect, test } from '@jest/globals';
import { readSettings } from '../../../src/settings/document.ts';
import { applySetting, readSetting } from '../../../src/settings/schema/istio/set-path.ts';
import { injectWithIstiod, istioPod, istiodSnapshot } from '../../support/processes/istiod.ts';

function settingsOf(istiod: object): unknown {
  const spec = { mode: 'istiod', istiod };
  const read = readSettings({ apiVersion: 'sidecar-injector.io/v1alpha1', kind: 'InjectorConfiguration', spec });
  return 'problems' in read ? read.problems : read.value.istiod;
}

function args(values: object, container: string, metadata: object = {}): string {
  return injectWithIstiod(istioPod(metadata), istiodSnapshot(values)).argumentsOf(container);
}

describe('Istio’s values are a schema', () => {
  test.each([
    [{ values: { global: { proxy: { imag: 'x' } } } }, 'spec.istiod.values.global.proxy.imag', 'did you mean "image"'],
    [{ values: { globl: {} } }, 'spec.istiod.values.globl', 'did you mean "global"'],
    [{ values: { global: { proxy: { statusPort: 'x' } } } }, 'spec.istiod.values.global.proxy.statusPort', ''],
    [
      { values: { global: { proxy: { includeInboundPorts: '80-90' } } } },
      'spec.istiod.values.global.proxy.includeInboundPorts',
      'not allowed',
    ],
    [{ meshConfig: { trustDomian: 'x' } }, 'spec.istiod.meshConfig.trustDomian', 'did you mean "trustDomain"'],
    [
      { meshConfig: { defaultConfig: { interceptionMode: 'X' } } },
      'spec.istiod.meshConfig.defaultConfig.interceptionMode',
      '',
    ],
    [
      { values: { sidecarInjectorWebhook: { templates: { own: 'spec: {{ .X }}' }, defaultTemplates: ['own'] } } },
      'spec.istiod.values.sidecarInjectorWebhook.templates.own',
      'not run',
    ],
  ])('%j is refused', (istiod, where, message) => {
    expect(settingsOf(istiod)).toContainEqual({ where, message: expect.stringContaining(message) });
  });

  test('a null takes a default of the chart away', () => {
    const values = { global: { proxy: { resources: { limits: { memory: null } } } } };
    expect(settingsOf({ values })).toMatchObject({
      values: { global: { proxy: { resources: { limits: { cpu: '2000m' }, requests: { memory: '128Mi' } } } } },
    });
    expect(JSON.stringify(settingsOf({ values }))).not.toContain('1024Mi');
  });

  test('every value of the chart of istiod is known, also those that only istiod reads', () => {
    const ofIstiod = {
      autoscaleEnabled: true,
      resources: { requests: { cpu: '1' } },
      hub: '',
      tag: '',
      image: 'pilot',
      traceSampling: 1,
      podAnnotations: {},
      keepaliveMaxServerConnectionAge: '30m',
      istiodRemote: { injectionPath: '/inject' },
      meshConfig: { enablePrometheusMerge: true },
      pdb: { minAvailable: 1 },
      pilot: { nodeSelector: {}, taint: { enabled: false } },
      global: { waypoint: {}, defaultResources: {}, meshNetworks: {}, priorityClassName: '' },
      gateways: { 'istio-ingressgateway': { enabled: true } },
      ztunnel: {},
    };
    expect(settingsOf({ values: ofIstiod })).toMatchObject({ values: { global: { hub: 'docker.io/istio' } } });
  });

  test.each([
    [{ cni: { enabled: true, provider: 'multus', cniBinDir: '/x' } }, { cni: { enabled: true, provider: 'multus' } }],
    [
      { cni: { provider: 'multus' }, pilot: { cni: { enabled: true, provider: 'default' } } },
      { cni: { enabled: true, provider: 'multus' } },
    ],
    [{ env: { COMPLIANCE_POLICY: 'a' }, pilot: { env: { B: true } } }, { env: { COMPLIANCE_POLICY: 'a', B: 'true' } }],
    [{ crlConfigMapName: 'mine' }, { crlConfigMapName: 'mine' }],
    [{ pilot: { env: { ENABLE_NATIVE_SIDECARS: false } } }, { env: { ENABLE_NATIVE_SIDECARS: 'false' } }],
    [{ env: null }, { env: {} }],
  ])('%j stands where Helm’s users write it', (values, pilot) => {
    const read = settingsOf({ values: values as object });
    expect(read).toMatchObject({ values: { pilot } });
  });

  test('mesh configuration inside the values counts, below its own place', () => {
    const values = { meshConfig: { trustDomain: 'inner', proxyListenPort: 15_101 } };
    expect(settingsOf({ values, meshConfig: { trustDomain: 'outer' } })).toMatchObject({
      meshConfig: { trustDomain: 'outer', proxyListenPort: 15_101 },
    });
  });
});

/** What the settings below `spec.istiod` become of these texts. */
function applied(...texts: readonly string[]): unknown {
  return texts.reduce<unknown>((input, text) => {
    const setting = readSetting(text);
    if ('where' in setting) throw new Error(setting.message);
    return applySetting(input, setting);
  }, undefined);
}

describe('one setting as a path', () => {
  test.each([
    ['values.global.tag=1.28.0', { values: { global: { tag: '1.28.0' } } }],
    ['global.proxy.statusPort=15', { values: { global: { proxy: { statusPort: 15 } } } }],
    ['spec.values.revision=canary', { values: { revision: 'canary' } }],
    ['components.cni.enabled=true', { values: { pilot: { cni: { enabled: true } } } }],
    ['hub=example.com/istio', { values: { global: { hub: 'example.com/istio' } } }],
    ['meshConfig.defaultConfig.tracing={}', { meshConfig: { defaultConfig: { tracing: {} } } }],
    ['values.meshConfig.trustDomain=td', { meshConfig: { trustDomain: 'td' } }],
    ['global.imagePullSecrets={a, b}', { values: { global: { imagePullSecrets: ['a', 'b'] } } }],
    [
      'global.proxy.resources.limits.cpu=null',
      { values: { global: { proxy: { resources: { limits: { cpu: null } } } } } },
    ],
    [
      'sidecarInjectorWebhook.injectedAnnotations.example\\.com/a=b=c',
      { values: { sidecarInjectorWebhook: { injectedAnnotations: { 'example.com/a': 'b=c' } } } },
    ],
    ['global.imagePullSecrets[0]=a', { values: { global: { imagePullSecrets: ['a'] } } }],
    [
      'meshConfig.extensionProviders[0].opentelemetry.port=4317',
      { meshConfig: { extensionProviders: [{ opentelemetry: { port: 4317 } }] } },
    ],
    ['global.proxy.excludeInboundPorts=4,5,6', { values: { global: { proxy: { excludeInboundPorts: '4,5,6' } } } }],
  ])('%s', (text, expected) => {
    expect(applied(text)).toEqual(expected);
  });

  test('several build one list, each at its place; the last of a place wins', () => {
    const texts = ['a[0].n=x', 'a[1].n=y', 'a[0].p=1', 'a[1].n=z', 'b[0][0]=1'];
    expect(applied(...texts)).toEqual({ values: { a: [{ n: 'x', p: 1 }, { n: 'z' }], b: [[1]] } });
  });

  test('a place behind the end of its list is refused', () => {
    expect(() => applied('a[0]=x', 'a[2]=y')).toThrow('[2] leaves places empty: the list has 1 so far');
  });

  test.each(['values.global.tag', '=x', '.a=b', 'a..b=c', '', '[0]=x', 'a[x]=b', 'a[0]b=c', 'a[0=b', 'a]=b'])(
    '%j is none',
    (text) => {
      expect(readSetting(text)).toEqual({
        where: '--istio-set',
        message: expect.stringContaining('is not PATH=VALUE'),
      });
    },
  );
});

describe('a value changes its one thing', () => {
  test.each([
    [{ logAsJson: true }, '--log_as_json'],
    [{ sts: { servicePort: 15463 } }, '--stsPort=15463'],
    [{ proxy: { outlierLogPath: '/dev/stdout' } }, '--outlierLogPath=/dev/stdout'],
    [{ proxy: { logLevel: 'debug' } }, '--proxyLogLevel=debug'],
    [{ logging: { level: 'all:debug' } }, '--log_output_level=all:debug'],
    [{ proxy: { clusterDomain: 'example.test' } }, '--domain $(POD_NAMESPACE).svc.example.test'],
  ])('arguments of the proxy: %j', (global, expected) => {
    expect(args({ global }, 'istio-proxy')).toContain(expected);
  });

  test.each([
    [{ proxy_init: { forceApplyIptables: true } }, '--force-apply'],
    [{ nativeNftables: true }, '--native-nftables'],
    [{ logAsJson: true }, '--log_as_json'],
    [{ proxy: { includeOutboundPorts: '80,443' } }, '-q 80,443'],
    [{ proxy: { excludeOutboundPorts: '9,10' } }, '-o 9,10'],
    [{ proxy: { includeIPRanges: '10.0.0.0/8', excludeIPRanges: '10.1.0.0/16' } }, '-i 10.0.0.0/8 -x 10.1.0.0/16'],
    [{ proxy: { statusPort: 0 } }, '-d 15090,15021 --log'],
  ])('arguments of the init container: %j', (global, expected) => {
    expect(args({ global }, 'istio-init')).toContain(expected);
  });

  test('of both annotations for interfaces the newer one counts', () => {
    const annotations = {
      'traffic.sidecar.istio.io/kubevirtInterfaces': 'net1',
      'istio.io/reroute-virtual-interfaces': 'net2,net3',
      'traffic.sidecar.istio.io/excludeInterfaces': 'eth9',
    };
    expect(args({}, 'istio-init', { annotations })).toContain('-k net2,net3 -c eth9');
  });

  test.each([
    [{ imagePullPolicy: 'Always' }, { imagePullPolicy: 'Always' }],
    [
      { proxy: { seccompProfile: { type: 'RuntimeDefault' } } },
      { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } },
    ],
    [
      { proxy: { capNetBindService: true } },
      { securityContext: { runAsUser: 0, runAsNonRoot: false, capabilities: { add: ['NET_BIND_SERVICE'] } } },
    ],
    [
      { proxy: { lifecycle: { preStop: { sleep: { seconds: 3 } } } } },
      { lifecycle: { preStop: { sleep: { seconds: 3 } } } },
    ],
    [{ proxy: { startupProbe: { failureThreshold: 7 } } }, { startupProbe: { failureThreshold: 7 } }],
  ])('the proxy’s container: %j', (global, expected) => {
    expect(injectWithIstiod(istioPod(), istiodSnapshot({ global })).container('istio-proxy')).toMatchObject(expected);
  });

  test('no startup probe when it is switched off', () => {
    const snapshot = istiodSnapshot({ global: { proxy: { startupProbe: { enabled: false } } } });
    expect(injectWithIstiod(istioPod(), snapshot).container('istio-proxy')).not.toHaveProperty('startupProbe');
  });

  test.each([
    ['never', { neverInjectSelector: [{ matchLabels: { app: 'db' } }] }, 'NeverInjectSelector'],
    ['policy', {}, 'PolicyDisabled'],
  ])('gate of the values: %s', (title, sidecarInjectorWebhook, code) => {
    const values = {
      sidecarInjectorWebhook,
      ...(title === 'policy' ? { global: { proxy: { autoInject: 'disabled' } } } : {}),
    };
    expect(() => injectWithIstiod(istioPod({ labels: { app: 'db' } }), istiodSnapshot(values))).toThrow(
      code === 'PolicyDisabled' ? 'only pods that ask' : 'never-inject selector',
    );
  });

  test('annotations of the values go onto every pod', () => {
    const snapshot = istiodSnapshot({ sidecarInjectorWebhook: { injectedAnnotations: { 'example.com/a': 'b' } } });
    expect(injectWithIstiod(istioPod(), snapshot).annotation('example.com/a')).toBe('b');
  });

  test.each([
    ['', '', 'docker.io/istio/proxyv2:1.28.0'],
    ['distroless', '', 'docker.io/istio/proxyv2:1.28.0-distroless'],
    ['debug', 'distroless', 'docker.io/istio/proxyv2:1.28.0-distroless'],
    ['debug', 'default', 'docker.io/istio/proxyv2:1.28.0'],
  ])('image: variant %j, annotation %j', (variant, type, expected) => {
    const annotations = type === '' ? {} : { 'sidecar.istio.io/proxyImageType': type };
    const { container } = injectWithIstiod(istioPod({ annotations }), istiodSnapshot({ global: { variant } }));
    expect(container('istio-proxy')?.['image']).toBe(expected);
    expect(container('istio-init')?.['image']).toBe(expected);
  });

  test('an image of the ProxyConfig without a type leaves the variant', () => {
    const snapshot = istiodSnapshot(
      { global: { variant: 'distroless' } },
      { meshConfig: { defaultConfig: { image: {} } } },
    );
    expect(injectWithIstiod(istioPod(), snapshot).container('istio-proxy')?.['image']).toBe(
      'docker.io/istio/proxyv2:1.28.0-distroless',
    );
  });

  test('the ending of a tag is replaced, not added', () => {
    const snapshot = istiodSnapshot({ global: { tag: '1.28.0-debug', variant: 'distroless' } });
    expect(injectWithIstiod(istioPod(), snapshot).container('istio-proxy')?.['image']).toBe(
      'docker.io/istio/proxyv2:1.28.0-distroless',
    );
  });
});
