import { describe, expect, test } from '@jest/globals';
import { annotationTable, decide, undo } from '../../../src/index.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import type { Json, JsonObject } from '../../../src/json/json.ts';
import { injectWithIstiod, istioPod, istiodSnapshot } from '../../support/processes/istiod.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const plain = istiodSnapshot();

function annotated(annotations: object, spec: object = {}): JsonObject {
  return istioPod({ annotations }, spec);
}

describe('annotations', () => {
  test.each([
    ['sidecar.istio.io/interceptionMode', 'REDIRCT'],
    ['traffic.sidecar.istio.io/includeOutboundIPRanges', '10.0.0.0'],
    ['traffic.sidecar.istio.io/excludeOutboundIPRanges', '*'],
    ['traffic.sidecar.istio.io/includeInboundPorts', '70000'],
    ['traffic.sidecar.istio.io/excludeInboundPorts', '*'],
    ['traffic.sidecar.istio.io/includeOutboundPorts', '80-90'],
    ['traffic.sidecar.istio.io/excludeOutboundPorts', 'x'],
    ['traffic.sidecar.istio.io/excludeInterfaces', 'a b'],
    ['istio.io/reroute-virtual-interfaces', '--flag'],
    ['sidecar.istio.io/proxyCPU', '1 "}'],
    ['sidecar.istio.io/nativeSidecar', 'yes'],
    ['sidecar.istio.io/capNetBindService', 'TRUE'],
    ['sidecar.istio.io/bootstrapOverride', '../x'],
    ['sidecar.istio.io/userVolume', '["a"]'],
    ['sidecar.istio.io/userVolumeMount', '{"a":"b"}'],
    ['sidecar.istio.io/rewriteAppHTTPProbers', 'maybe'],
    ['proxy.istio.io/config', 'proxyMetadata: 1'],
    ['proxy.istio.io/config', 'unknownKey: 1'],
    ['proxy.istio.io/config', 'a: *x'],
    ['proxy.istio.io/overrides', '[]'],
    ['status.sidecar.istio.io/port', '65536'],
    ['readiness.status.sidecar.istio.io/failureThreshold', '-1'],
    ['prometheus.istio.io/merge-metrics', 'perhaps'],
    ['prometheus.io/port', '15090'],
    ['prometheus.io/port', '+9090'],
    ['prometheus.istio.io/scrape-targets', '9090,+9091:/m'],
    ['inject.istio.io/templates', 'sidecar,gatway'],
  ])('%s: %j is refused by name', (name, value) => {
    const decision = decide({ pod: annotated({ [name]: value }), namespace: 'demo' }, plain);
    expect(decision.outcome).toBe('deny');
    expect(decision.reasons.map(({ message }) => message).join('\n')).toContain(name);
  });

  test.each(['includeIPRanges', 'excludeIPRanges', 'excludeOutboundPorts'])(
    'by Istio’s name of the setting too: %s',
    (value) => {
      const name = `traffic.sidecar.istio.io/${value.replace('IPRanges', 'OutboundIPRanges')}`;
      const [refused] = decide({ pod: annotated({ [name]: 'bad' }), namespace: 'demo' }, plain).reasons;
      expect(refused.message).toContain(`global.proxy.${value}`);
    },
  );

  test.each([
    ['concurrency: many', 'concurrency: allowed: a whole number'],
    ['drainDuration: 0.5s', 'drainDuration: allowed: a duration in whole seconds, such as 45s'],
    ['drainDuration: 5', 'drainDuration: allowed: a duration in whole seconds'],
    ['terminationDrainDuration: 5m', 'terminationDrainDuration: allowed: a duration in seconds, such as 5s'],
    ['extraStatTags: a', 'extraStatTags: must be a list of strings'],
    ['discoveryAddress: 15012', 'discoveryAddress: must be a string'],
    ['drain_duration: 60s', 'did you mean "drainDuration"?'],
    ['hold_application_until_proxy_starts: true', 'did you mean "holdApplicationUntilProxyStarts"?'],
  ])('a ProxyConfig that the agent does not start with: %s', (text, message) => {
    const [refused] = decide({ pod: annotated({ 'proxy.istio.io/config': text }), namespace: 'demo' }, plain).reasons;
    expect(refused.message).toContain(message);
  });

  test('all bad values at once', () => {
    const pod = annotated({ 'sidecar.istio.io/proxyCPU': 'x', 'sidecar.istio.io/logLevel': 'y' });
    expect(decide({ pod, namespace: 'demo' }, plain).reasons).toHaveLength(2);
  });

  test('an unknown key is said, one of Istio’s is not', () => {
    const pod = annotated({ 'sidecar.istio.io/proxyCPUs': '1', 'sidecar.istio.io/proxyImageType': 'debug' });
    expect(injectWithIstiod(pod, plain).decision.warnings).toEqual([
      expect.stringContaining('sidecar.istio.io/proxyCPU"?'),
    ]);
  });

  test('one resource replaces all of the values’, as in Istio', () => {
    const { container } = injectWithIstiod(annotated({ 'sidecar.istio.io/proxyCPU': '7m' }), plain);
    expect(container('istio-proxy')?.['resources']).toEqual({ requests: { cpu: '7m' } });
    expect(container('istio-init')?.['resources']).toEqual({ requests: { cpu: '7m' } });
  });

  test('a ProxyConfig goes over the mesh’s, metadata key by key and into both containers', () => {
    const snapshot = istiodSnapshot(
      {},
      { meshConfig: { defaultConfig: { drainDuration: '23s', proxyMetadata: { A: '1', B: '1' } } } },
    );
    const config = 'concurrency: 0\nproxyMetadata:\n  B: "2"\nholdApplicationUntilProxyStarts: false\n';
    const { variable, container } = injectWithIstiod(annotated({ 'proxy.istio.io/config': config }), snapshot);
    expect(JSON.parse(variable('PROXY_CONFIG') ?? '')).toEqual({
      concurrency: 0,
      drainDuration: '23s',
      holdApplicationUntilProxyStarts: false,
      proxyMetadata: { A: '1', B: '2' },
    });
    expect(variable('B')).toBe('2');
    expect(container('istio-init')?.['env']).toEqual([
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ]);
  });

  test('what the agent assumes anyway is not written', () => {
    const config = JSON.stringify({
      drainDuration: '45s',
      statusPort: 15020,
      discoveryAddress: 'istiod.istio-system.svc:15012',
      interceptionMode: 'REDIRECT',
    });
    expect(injectWithIstiod(annotated({ 'proxy.istio.io/config': config }), plain).variable('PROXY_CONFIG')).toBe(
      '{}\n',
    );
  });

  test('classic: hold makes the proxy the first container and waits for it', () => {
    const pod = annotated({
      'sidecar.istio.io/nativeSidecar': 'false',
      'proxy.istio.io/config': 'holdApplicationUntilProxyStarts: true',
    });
    const { pod: after, container } = injectWithIstiod(pod, plain);
    expect((after['spec'] as { containers: { name: string }[] }).containers.map(({ name }) => name)).toEqual([
      'istio-proxy',
      'app',
    ]);
    expect(container('istio-proxy')).toMatchObject({
      lifecycle: { postStart: { exec: { command: ['pilot-agent', 'wait'] } } },
    });
  });

  test('a tunnel is announced by its label', () => {
    const config = 'proxyMetadata: {ISTIO_META_ENABLE_HBONE: "true"}';
    expect(
      injectWithIstiod(annotated({ 'proxy.istio.io/config': config }), plain).label('networking.istio.io/tunnel'),
    ).toBe('http');
  });

  test('a bootstrap of the user’s own', () => {
    const { variable, volume, mountPath } = injectWithIstiod(
      annotated({ 'sidecar.istio.io/bootstrapOverride': 'mine' }),
      plain,
    );
    expect(variable('ISTIO_BOOTSTRAP_OVERRIDE')).toBe('/etc/istio/custom-bootstrap/custom_bootstrap.json');
    expect(volume('custom-bootstrap-volume')).toMatchObject({ configMap: { name: 'mine' } });
    expect(mountPath('custom-bootstrap-volume')).toBe('/etc/istio/custom-bootstrap');
  });
});

describe('probes', () => {
  const container = {
    name: 'app',
    ports: [{ name: 'web', containerPort: 8080 }],
    readinessProbe: {
      httpGet: { port: 'web', path: '/r', host: 'h', httpHeaders: [{ name: 'A', value: 'b' }] },
      timeoutSeconds: 3,
    },
    livenessProbe: { grpc: { port: 9000, service: 's' } },
    startupProbe: { tcpSocket: { port: 'nowhere' } },
    lifecycle: {
      preStop: { httpGet: { port: 8080, path: '/stop', scheme: 'HTTPS' } },
      postStart: { exec: { command: ['x'] } },
    },
  };

  test('all kinds go to the agent, with what it needs to know', () => {
    const injected = injectWithIstiod(istioPod({}, { containers: [container] }), plain);
    expect(JSON.parse(injected.variable('ISTIO_KUBE_APP_PROBERS') ?? '')).toEqual({
      '/app-health/app/readyz': {
        httpGet: { port: 8080, path: '/r', host: 'h', httpHeaders: [{ name: 'A', value: 'b' }] },
        timeoutSeconds: 3,
      },
      '/app-health/app/livez': { grpc: { port: 9000, service: 's' } },
      '/app-lifecycle/app/prestopz': { httpGet: { port: 8080, path: '/stop', scheme: 'HTTPS' } },
    });
    expect(injected.container('app')).toMatchObject({
      readinessProbe: { httpGet: { port: 15_020, path: '/app-health/app/readyz', host: 'h' }, timeoutSeconds: 3 },
      livenessProbe: { httpGet: { port: 15_020, path: '/app-health/app/livez' } },
      startupProbe: { httpGet: { port: 15_020, path: '/app-health/app/startupz' } },
      lifecycle: { preStop: { httpGet: { port: 15_020, scheme: 'HTTP' } }, postStart: { exec: { command: ['x'] } } },
    });
  });

  test('a container that comes later gets its own; a second time nothing happens', () => {
    const first = injectWithIstiod(istioPod({}, { containers: [container] }), plain).pod;
    expect(decide({ pod: first, namespace: 'demo' }, plain)).toMatchObject({ outcome: 'skip' });
    const spec = first['spec'] as { containers: JsonObject[] };
    const late = { name: 'late', readinessProbe: { httpGet: { port: 1 } } };
    const grown = { ...first, spec: { ...spec, containers: [...spec.containers, late] } } as JsonObject;
    const again = injectWithIstiod(grown, plain);
    expect(Object.keys(JSON.parse(again.variable('ISTIO_KUBE_APP_PROBERS') ?? '') as object)).toEqual([
      '/app-health/app/livez',
      '/app-health/app/readyz',
      '/app-health/late/readyz',
      '/app-lifecycle/app/prestopz',
    ]);
    expect(decide({ pod: again.pod, namespace: 'demo' }, plain)).toMatchObject({ outcome: 'skip' });
  });
});

describe('metrics', () => {
  test.each([
    [{}, undefined],
    [{ 'prometheus.io/scrape': 'true' }, { scrape: 'true', path: '', port: '' }],
    [
      { 'prometheus.io.port': '9', 'prometheus-io/path': '/x' },
      { scrape: '', path: '/x', port: '9' },
    ],
    [
      { 'prometheus.istio.io/scrape-targets': '8080,9100:/m' },
      {
        scrape: '',
        path: '/metrics',
        port: '8080',
        targets: [
          { port: '8080', path: '/metrics' },
          { port: '9100', path: '/m' },
        ],
      },
    ],
  ])('%j', (annotations, expected) => {
    const { variable, pod, annotation } = injectWithIstiod(annotated(annotations), plain);
    const text = variable('ISTIO_PROMETHEUS_ANNOTATIONS');
    expect(text === undefined ? undefined : JSON.parse(text)).toEqual(expected);
    expect(annotation('prometheus.io/port')).toBe('15020');
    const left = Object.keys((pod['metadata'] as { annotations: object }).annotations);
    expect(left.filter((key) => /prometheus/.test(key)).toSorted()).toEqual([
      'prometheus.io/path',
      'prometheus.io/port',
      'prometheus.io/scrape',
    ]);
  });

  test.each([{ 'prometheus.io/scrape': 'false' }, { 'prometheus.istio.io/merge-metrics': 'false' }])(
    '%j: left alone',
    (annotations) => {
      const { annotation, variable } = injectWithIstiod(annotated(annotations), plain);
      expect(annotation('prometheus.io/path')).toBeUndefined();
      expect(variable('ISTIO_PROMETHEUS_ANNOTATIONS')).toBeUndefined();
    },
  );
});

describe('beside other sidecars', () => {
  const shipper = {
    apiVersion: 'sidecar-injector.io/v1alpha1',
    kind: 'SidecarTemplate',
    metadata: { name: 'log-shipper' },
    spec: { containers: [{ name: 'log-shipper', image: 'fluent-bit:1' }], volumes: [{ name: 'logs', emptyDir: {} }] },
  };
  const both = snapshotOf(
    { mode: 'istiod', istiod: { values: { global: { tag: '1.28.0' } } } },
    { templates: [shipper] },
  );

  test('a declared one goes into the same pod', () => {
    const pod = annotated({ 'inject.istio.io/templates': 'sidecar,log-shipper' });
    const injected = injectWithIstiod(pod, both);
    expect(injected.container('log-shipper')).toMatchObject({ image: 'fluent-bit:1' });
    expect(injected.container('istio-proxy')).toBeDefined();
    expect(applyToValue(structuredClone(injected.pod), undo(injected.pod)?.operations ?? [])).toEqual(pod);
  });

  test.each(['always', 'never'])('its probes go to the agent too, native sidecars %s', (nativeSidecars) => {
    const probed = {
      name: 'prober',
      image: 'x:1',
      ports: [{ name: 'web', containerPort: 9 }],
      readinessProbe: { httpGet: { port: 'web', path: '/r' } },
      lifecycle: { preStop: { exec: { command: ['x'] } } },
    };
    const template = { ...shipper, metadata: { name: 'prober' }, spec: { mode: 'native', containers: [probed] } };
    const istiod = { values: { global: { tag: '1.28.0' } } };
    const snapshot = snapshotOf({ mode: 'istiod', istiod, injection: { nativeSidecars } }, { templates: [template] });
    const pod = annotated(
      { 'inject.istio.io/templates': 'sidecar,prober' },
      { containers: [{ name: 'app', livenessProbe: { tcpSocket: { port: 1 } } }] },
    );
    const injected = injectWithIstiod(pod, snapshot);
    expect(JSON.parse(injected.variable('ISTIO_KUBE_APP_PROBERS') ?? '')).toEqual({
      '/app-health/app/livez': { tcpSocket: { port: 1 } },
      '/app-health/prober/readyz': { httpGet: { port: 9, path: '/r' } },
    });
    expect(injected.container('prober')).toMatchObject({
      readinessProbe: { httpGet: { port: 15_020, path: '/app-health/prober/readyz' } },
      lifecycle: { preStop: { exec: { command: ['x'] } } },
    });
    expect(decide({ pod: injected.pod, namespace: 'demo' }, snapshot)).toMatchObject({ outcome: 'skip' });
    expect(applyToValue(structuredClone(injected.pod), undo(injected.pod)?.operations ?? [])).toEqual(pod);
  });

  test('an unknown one is refused with what there is', () => {
    const pod = annotated({ 'inject.istio.io/templates': 'sidecar,log-shiper' });
    expect(decide({ pod, namespace: 'demo' }, both).reasons[0].message).toContain('did you mean "log-shipper"');
  });
});

describe('what only Istio’s settings allow', () => {
  test('a privileged proxy', () => {
    const { container } = injectWithIstiod(istioPod(), istiodSnapshot({ global: { proxy: { privileged: true } } }));
    expect(container('istio-proxy')).toMatchObject({ securityContext: { privileged: true } });
  });

  test('two applications that declare one port, changed by a template', () => {
    const containers = ['a', 'b'].map((name) => ({ name, ports: [{ containerPort: 80 }] }));
    const pod = annotated({ 'inject.istio.io/templates': 'grpc-agent' }, { containers });
    expect(injectWithIstiod(pod, plain).decision.outcome).toBe('inject');
  });

  test('no sleep for a container that a template changes, and a word of it', () => {
    const pod = annotated({
      'inject.istio.io/templates': 'grpc-agent',
      'sidecar-injector.io/applicationDrainSeconds': '5',
    });
    const { container, decision } = injectWithIstiod(pod, plain);
    expect(container('app')).not.toHaveProperty('lifecycle');
    expect(decision.warnings).toEqual([expect.stringContaining('has no effect on "app", which a template')]);
  });

  test('metrics by TLS are announced', () => {
    const config = 'proxyMetadata: {ENVOY_SECURE_MERGED_METRICS_PORT: "15443"}';
    expect(
      injectWithIstiod(annotated({ 'proxy.istio.io/config': config }), plain).annotation(
        'prometheus.istio.io/secure-port',
      ),
    ).toBe('15443');
  });

  test('annotations of the mode standalone are said to have no effect', () => {
    const name =
      annotationTable.find((row) => row.kind === 'annotation' && row.name.startsWith('sidecar-injector.io/'))?.name ??
      '';
    const { warnings } = injectWithIstiod(annotated({ [name]: 'x' }), plain).decision;
    expect(warnings).toEqual([expect.stringContaining('has no effect in the mode istiod')]);
  });
});

describe('taking it back', () => {
  const own: Json = { name: 'workload-socket', csi: { driver: 'csi.spiffe.io', readOnly: true } };
  test.each<[string, JsonObject]>([
    ['a plain pod', istioPod()],
    ['metrics annotations that were replaced', annotated({ 'prometheus.io/port': '9', 'prometheus.io.path': '/x' })],
    [
      'a gateway',
      annotated({ 'inject.istio.io/templates': 'gateway' }, { containers: [{ name: 'istio-proxy', image: 'auto' }] }),
    ],
    [
      'a gateway with a security context',
      annotated(
        { 'inject.istio.io/templates': 'gateway' },
        { containers: [{ name: 'istio-proxy', image: 'auto' }], securityContext: { fsGroup: 1 } },
      ),
    ],
    ['gRPC with an agent', annotated({ 'inject.istio.io/templates': 'grpc-agent' })],
    ['gRPC without an agent', annotated({ 'inject.istio.io/templates': 'grpc-simple' })],
    [
      'a proxy of the user’s own',
      istioPod({}, { containers: [{ name: 'app' }, { name: 'istio-proxy', image: 'auto', args: ['x'] }] }),
    ],
    ['a volume of the same name', istioPod({}, { volumes: [{ name: 'data' }, own] })],
    [
      'a pod that Istio’s injector has injected',
      annotated(
        { 'sidecar.istio.io/status': '{"initContainers":["istio-init"],"containers":["istio-proxy"]}', a: 'b' },
        {
          containers: [{ name: 'istio-proxy', image: 'old' }, { name: 'app' }],
          initContainers: [{ name: 'istio-init' }],
        },
      ),
    ],
  ])('%s', (_title, pod) => {
    const injected = injectWithIstiod(pod, plain).pod;
    expect(injected).not.toEqual(pod);
    const back = undo(injected);
    expect(applyToValue(structuredClone(injected), back?.operations ?? [])).toEqual(pod);
  });

  test('a driver’s volume in the pod is not given a second source', () => {
    const { volume } = injectWithIstiod(istioPod({}, { volumes: [own] }), plain);
    expect(volume('workload-socket')).toEqual(own);
  });
});

describe('hardened', () => {
  const snapshot = istiodSnapshot({}, { spec: { istiod: { hardened: true, values: { global: { tag: '1.28.0' } } } } });

  test('every injected container has a seccomp profile and no API token; the application stays as it is', () => {
    const { container, volume } = injectWithIstiod(istioPod(), snapshot);
    for (const name of ['istio-init', 'istio-proxy']) {
      expect(container(name)).toMatchObject({ securityContext: { seccompProfile: { type: 'RuntimeDefault' } } });
      expect(container(name)?.['volumeMounts']).toContainEqual(
        expect.objectContaining({ mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }),
      );
    }
    expect(volume('istio-token-mask')).toBeDefined();
    expect(container('app')).toEqual({ name: 'app', image: 'shop:1' });
  });

  test.each<[string, JsonObject]>([
    ['image by annotation', annotated({ 'sidecar.istio.io/proxyImage': 'evil.example/x:1' })],
    [
      'image by container',
      istioPod({}, { containers: [{ name: 'app' }, { name: 'istio-proxy', image: 'evil.example/x:1' }] }),
    ],
    ['arguments', istioPod({}, { containers: [{ name: 'app' }, { name: 'istio-proxy', image: 'auto', args: ['x'] }] })],
    ['the proxy’s user', istioPod({}, { containers: [{ name: 'app', securityContext: { runAsUser: 1337 } }] })],
  ])('refused: %s', (_title, pod) => {
    expect(decide({ pod, namespace: 'demo' }, snapshot).outcome).toBe('deny');
    expect(decide({ pod, namespace: 'demo' }, plain).outcome).toBe('inject');
  });
});
