import { describe, expect, test } from '@jest/globals';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { injectWithIstiod, istioPod, istiodSnapshot, type Injected } from '../../support/processes/istiod.ts';

/*
 * Istio's templates `gateway` and `grpc-agent`: what they do not share with `sidecar`. The values are those of Istio's
 * own injector.
 */
const proxy: JsonObject = { name: 'istio-proxy', image: 'auto' };

function injected(template: string, metadata: object = {}, spec: object = {}, snapshot = istiodSnapshot()): Injected {
  const { annotations = {}, ...more } = metadata as { annotations?: object };
  const own = template === 'gateway' ? { containers: [proxy] } : {};
  const pod = istioPod(
    { ...more, annotations: { 'inject.istio.io/templates': template, ...annotations } },
    { ...own, ...spec },
  );
  return injectWithIstiod(pod, snapshot);
}

function variableNames({ container }: Injected): (string | undefined)[] {
  return objectsMember(container('istio-proxy'), 'env').map((one) => stringMember(one, 'name'));
}

function mountNames({ container }: Injected): (string | undefined)[] {
  return objectsMember(container('istio-proxy'), 'volumeMounts').map((one) => stringMember(one, 'name'));
}

describe('gateway', () => {
  test('a bootstrap of its own has variable, mount and volume in Istio’s places', () => {
    const found = injected('gateway', { annotations: { 'sidecar.istio.io/bootstrapOverride': 'mine' } });
    expect(found.variable('ISTIO_BOOTSTRAP_OVERRIDE')).toBe('/etc/istio/custom-bootstrap/custom_bootstrap.json');
    expect(variableNames(found).slice(-4)).toEqual([
      'ISTIO_META_OWNER',
      'ISTIO_BOOTSTRAP_OVERRIDE',
      'ISTIO_META_MESH_ID',
      'TRUST_DOMAIN',
    ]);
    expect(mountNames(found).slice(4, 7)).toEqual(['istio-data', 'custom-bootstrap-volume', 'istio-envoy']);
    expect(found.volume('custom-bootstrap-volume')).toEqual({
      name: 'custom-bootstrap-volume',
      configMap: { name: 'mine' },
    });
    expect(found.annotation('sidecar.istio.io/status')).toContain('"workload-certs","custom-bootstrap-volume"');
  });

  test.each(['gateway', 'grpc-simple'])(
    '%s: with TPROXY the user of the proxy stays, for nothing is captured',
    (name) => {
      const snapshot = istiodSnapshot({}, { meshConfig: { defaultConfig: { interceptionMode: 'TPROXY' } } });
      const containers = [{ name: 'app' }, { ...proxy, securityContext: { runAsUser: 2000, runAsGroup: 7 } }];
      const { container } = injected(name, {}, { containers }, snapshot);
      expect(container('istio-proxy')?.['securityContext']).toMatchObject({ runAsUser: 2000, runAsGroup: 7 });
    },
  );

  test('of several containers the first is the default', () => {
    const found = injected('gateway', {}, { containers: [proxy, { name: 'one' }, { name: 'two' }] });
    expect(found.annotation('kubectl.kubernetes.io/default-container')).toBe('one');
    expect(found.annotation('kubectl.kubernetes.io/default-logs-container')).toBe('one');
  });

  test('no seccomp profile comes from the values', () => {
    const values = { gateways: { seccompProfile: { type: 'RuntimeDefault' } } };
    expect(injected('gateway', {}, {}, istiodSnapshot(values)).container('istio-proxy')?.['securityContext']).toEqual({
      runAsUser: 1337,
      runAsGroup: 1337,
    });
  });

  test('the hooks and the variables for compliance come from the values', () => {
    const lifecycle = { preStop: { exec: { command: ['x'] } } };
    const values = { global: { proxy: { lifecycle } }, pilot: { env: { COMPLIANCE_POLICY: 'fips-140-3' } } };
    const found = injected('gateway', {}, {}, istiodSnapshot(values));
    expect(found.container('istio-proxy')).toMatchObject({ lifecycle });
    expect([found.variable('COMPLIANCE_POLICY'), found.variable('GODEBUG')]).toEqual(['fips-140-3', 'fips140=only']);
  });
});

describe('grpc-agent', () => {
  test('the application waits for the agent, whatever hooks the values have, and there are no variables for compliance', () => {
    const values = {
      global: { proxy: { lifecycle: { preStop: { exec: { command: ['x'] } } } } },
      pilot: { env: { COMPLIANCE_POLICY: 'fips-140-3' } },
    };
    const found = injected('grpc-agent', {}, {}, istiodSnapshot(values));
    expect(found.container('istio-proxy')?.['lifecycle']).toEqual({
      postStart: { exec: { command: ['pilot-agent', 'wait', '--url=http://localhost:15020/healthz/ready'] } },
    });
    expect(variableNames(found)).toEqual(expect.not.arrayContaining(['COMPLIANCE_POLICY', 'GODEBUG']));
  });
});

test.each([
  ['sidecar', 'w', true],
  ['gateway', 'shop', false],
  ['grpc-agent', 'shop', false],
])('%s: name of the workload %s, outlier log %s', (template, name, logs) => {
  const snapshot = istiodSnapshot({ global: { proxy: { outlierLogPath: '/log' } } });
  const found = injected(template, { labels: { 'service.istio.io/workload-name': 'w' } }, {}, snapshot);
  expect(found.variable('ISTIO_META_WORKLOAD_NAME')).toBe(name);
  expect(found.variable('ISTIO_META_OWNER')).toMatch(/\/pods\/shop$/);
  expect(found.argumentsOf('istio-proxy').includes('--outlierLogPath=/log')).toBe(logs);
});

describe('the type of the image', () => {
  const distroless = 'docker.io/istio/proxyv2:1.28.0-distroless';
  const plain = 'docker.io/istio/proxyv2:1.28.0';

  test.each<[object, object, object, string, string]>([
    [{}, { image: { imageType: 'distroless' } }, {}, plain, distroless],
    [{}, {}, { 'proxy.istio.io/config': 'image: {imageType: distroless}' }, plain, distroless],
    [{ global: { variant: 'debug' } }, { image: { imageType: 'distroless' } }, {}, `${plain}-debug`, distroless],
    [{}, {}, { 'sidecar.istio.io/proxyImageType': 'distroless' }, distroless, distroless],
  ])('%j %j %j', (values, defaultConfig, annotations, init, ofProxy) => {
    const found = injectWithIstiod(
      istioPod({ annotations }),
      istiodSnapshot(values, { meshConfig: { defaultConfig } }),
    );
    expect([found.container('istio-init')?.['image'], found.container('istio-proxy')?.['image']]).toEqual([
      init,
      ofProxy,
    ]);
  });
});

describe('the proxy configuration of the pod over the mesh’s', () => {
  test.each<[mesh: object, pod: string, expected: object]>([
    [{ tracing: { zipkin: { address: 'z:9411' } } }, 'tracing: {sampling: 5}', { tracing: { sampling: 5 } }],
    [{ gatewayTopology: { numTrustedProxies: 1 } }, 'gatewayTopology: {}', { gatewayTopology: {} }],
    [{ runtimeValues: { a: '1' } }, 'runtimeValues: {b: "2"}', { runtimeValues: { b: '2' } }],
    [{ tracing: { sampling: 5 } }, 'tracing: null', { tracing: { sampling: 5 } }],
    [{ proxyMetadata: { A: '1', B: '1' } }, 'proxyMetadata: {A: "2"}', { proxyMetadata: { A: '2', B: '1' } }],
    [
      { proxyHeaders: { server: { value: 'x' }, requestId: { disabled: true }, preserveHttp1HeaderCase: true } },
      'proxyHeaders: {server: {disabled: true}}',
      { proxyHeaders: { server: { disabled: true }, requestId: { disabled: true } } },
    ],
    [
      { proxyHeaders: { requestId: { disabled: true } } },
      'concurrency: 2',
      { concurrency: 2, proxyHeaders: { requestId: { disabled: true } } },
    ],
  ])(
    '%j, %s: objects are replaced, proxyMetadata is merged, proxyHeaders in part',
    (defaultConfig, config, expected) => {
      const snapshot = istiodSnapshot({}, { meshConfig: { defaultConfig } });
      const found = injectWithIstiod(istioPod({ annotations: { 'proxy.istio.io/config': config } }), snapshot);
      expect(JSON.parse(found.variable('PROXY_CONFIG') ?? '')).toEqual(expected);
    },
  );
});

describe('pages of metrics', () => {
  const targets = 'prometheus.istio.io/scrape-targets';

  test.each<[JsonObject, object]>([
    [
      { [targets]: '8080:/a', 'prometheus.io/port': '9090' },
      { port: '8080', path: '/a' },
    ],
    [{ [targets]: '8080:/a,' }, { port: '8080', path: '/a', targets: [{ port: '8080', path: '/a' }] }],
    [{ [targets]: '8080:a' }, { port: '8080', path: 'a' }],
    [{ [targets]: '8080:' }, { port: '8080', path: '/metrics' }],
    [
      { [targets]: '8080, 81:/b:c' },
      {
        targets: [
          { port: '8080', path: '/metrics' },
          { port: '81', path: '/b:c' },
        ],
      },
    ],
    [{ 'prometheus-istio-io/scrape.targets': '8080:/a' }, { port: '8080', path: '/a' }],
    [{ [targets]: '8080', 'prometheus.io/port': '15000' }, { port: '8080' }],
    [
      { [targets]: ':/a', 'prometheus.io/port': '9090' },
      { port: '9090', path: '' },
    ],
  ])('%j', (annotations, expected) => {
    const found = injectWithIstiod(istioPod({ annotations }), istiodSnapshot());
    expect(JSON.parse(found.variable('ISTIO_PROMETHEUS_ANNOTATIONS') ?? '')).toMatchObject(expected);
    expect(Object.keys(annotations).map(found.annotation)).toEqual(
      Object.keys(annotations).map((name) => (name === 'prometheus.io/port' ? '15020' : undefined)),
    );
  });

  test.each<[object, JsonObject, string | undefined]>([
    [{ ENVOY_SECURE_MERGED_METRICS_PORT: '0' }, {}, undefined],
    [{ ENVOY_SECURE_MERGED_METRICS_PORT: '15091' }, {}, '15091'],
    [{ ENVOY_SECURE_MERGED_METRICS_PORT: '15091' }, { 'prometheus-istio-io/secure.port': '4' }, undefined],
  ])('over TLS, %j and %j', (proxyMetadata, annotations, expected) => {
    const snapshot = istiodSnapshot({}, { meshConfig: { defaultConfig: { proxyMetadata } } });
    const found = injectWithIstiod(istioPod({ annotations }), snapshot);
    expect(found.annotation('prometheus.istio.io/secure-port')).toBe(expected);
  });
});

describe('the status names what the templates bring', () => {
  function statusOf({ annotation }: Injected): JsonObject {
    return JSON.parse(annotation('sidecar.istio.io/status') ?? '') as JsonObject;
  }

  test.each([
    ['sidecar', 'enable-core-dump', ['istio-init', 'istio-proxy']],
    ['gateway', 'istio-init', null],
    ['grpc-agent', 'istio-validation', null],
  ])('%s: not the pod’s own init container %s', (template, name, expected) => {
    const initContainers = [{ name: 'other' }, { name, image: 'x' }];
    const found = injected(template, {}, { initContainers });
    expect(statusOf(found)['initContainers']).toEqual(expected);
    expect(objectsMember(objectMember(found.pod, 'spec'), 'initContainers')).toContainEqual({ name, image: 'x' });
  });

  test.each([
    [
      [{ name: 's' }, { name: 'own' }],
      ['r', 's', 'own'],
    ],
    [
      [{ name: 'own' }, { name: 's' }],
      ['r', 'own', 's'],
    ],
  ])('a pull secret that the pod has too: %j', (imagePullSecrets, all) => {
    const found = injected(
      'sidecar',
      {},
      { imagePullSecrets },
      istiodSnapshot({ global: { imagePullSecrets: ['r', 's'] } }),
    );
    expect(statusOf(found)['imagePullSecrets']).toEqual(['r', 's']);
    const names = objectsMember(objectMember(found.pod, 'spec'), 'imagePullSecrets').map((one) => one['name']);
    expect(names).toEqual(all);
  });
});
