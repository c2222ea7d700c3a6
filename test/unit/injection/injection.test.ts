import { describe, expect, test } from '@jest/globals';
import { undo, type Snapshot } from '../../../src/index.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { containerOf, decideOn, injectedPod, namesOf, podWith } from '../../support/builders/decisions.ts';
import { snapshotOf } from '../../support/builders/snapshots.ts';

const withInit = podWith({ spec: { initContainers: [{ name: 'migrate' }] } });

describe('order of containers', () => {
  test.each<[string, object, boolean, JsonObject, string[], string[]]>([
    ['native', {}, true, withInit, ['istio-init', 'istio-proxy', 'migrate'], ['app']],
    ['native without init containers', {}, true, podWith(), ['istio-init', 'istio-proxy'], ['app']],
    [
      'native with a null list',
      {},
      true,
      podWith({ spec: { initContainers: null } }),
      ['istio-init', 'istio-proxy'],
      ['app'],
    ],
    [
      'native with an empty list',
      {},
      true,
      podWith({ spec: { initContainers: [] } }),
      ['istio-init', 'istio-proxy'],
      ['app'],
    ],
    ['an old server', {}, false, withInit, ['migrate', 'istio-init'], ['app', 'istio-proxy']],
    [
      'never native',
      { injection: { nativeSidecars: 'never' } },
      true,
      withInit,
      ['migrate', 'istio-init'],
      ['app', 'istio-proxy'],
    ],
    [
      'classic with hold',
      { injection: { nativeSidecars: 'never' }, proxy: { holdApplicationUntilProxyStarts: true } },
      true,
      withInit,
      ['migrate', 'istio-init'],
      ['istio-proxy', 'app'],
    ],
    [
      'native with hold',
      { proxy: { holdApplicationUntilProxyStarts: true } },
      true,
      withInit,
      ['istio-init', 'istio-proxy', 'migrate'],
      ['app'],
    ],
    ['no capture', { capture: { interceptionMode: 'NONE' } }, true, withInit, ['istio-proxy', 'migrate'], ['app']],
    [
      'the pod asks for classic',
      {},
      true,
      podWith({ annotations: { 'sidecar.istio.io/nativeSidecar': 'false' } }),
      ['istio-init'],
      ['app', 'istio-proxy'],
    ],
  ])('%s', (_name, spec, nativeSidecars, pod, initContainers, containers) => {
    const injected = injectedPod(pod, snapshotOf(spec, { nativeSidecars }));
    expect(namesOf(injected.spec.initContainers)).toEqual(initContainers);
    expect(namesOf(injected.spec.containers)).toEqual(containers);
    const proxy = containerOf(injected, 'istio-proxy');
    expect(proxy['restartPolicy']).toBe(initContainers.includes('istio-proxy') ? 'Always' : undefined);
  });

  test('says so when the pod asks for a native sidecar and the cluster has none', () => {
    const pod = podWith({ annotations: { 'sidecar.istio.io/nativeSidecar': 'true' } });
    const decision = decideOn(pod, snapshotOf({}, { nativeSidecars: false }));
    expect(decision.warnings).toEqual([
      'sidecar-injector: this cluster does not run native sidecars (Kubernetes 1.29 and later do); the sidecar is a classic container',
    ]);
    expect(decision.added?.native).toBe(false);
  });

  test('a classic sidecar that holds waits in its postStart hook, a native one needs none', () => {
    const hold = { proxy: { holdApplicationUntilProxyStarts: true } };
    const lifecycle = (nativeSidecars: boolean) =>
      containerOf(injectedPod(podWith(), snapshotOf(hold, { nativeSidecars })), 'istio-proxy')['lifecycle'];
    expect(Object.keys(lifecycle(false) as object)).toEqual(['postStart', 'preStop']);
    expect(Object.keys(lifecycle(true) as object)).toEqual(['preStop']);
  });
});

describe('what is injected', () => {
  const injected = injectedPod(podWith());
  const proxy = containerOf(injected, 'istio-proxy');
  const init = containerOf(injected, 'istio-init');

  test('resources are explicit on every injected container', () => {
    expect(proxy['resources']).toEqual({
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { cpu: '2', memory: '1Gi' },
    });
    expect(init['resources']).toEqual({
      requests: { cpu: '10m', memory: '16Mi' },
      limits: { cpu: '100m', memory: '64Mi' },
    });
  });

  test('the profile small is chosen by a label of the pod', () => {
    const small = injectedPod(podWith({ labels: { 'sidecar-injector.io/profile': 'small' } }));
    expect(containerOf(small, 'istio-proxy')['resources']).toEqual({
      requests: { cpu: '50m', memory: '64Mi' },
      limits: { cpu: '100m', memory: '128Mi' },
    });
  });

  test('the proxy passes Pod Security restricted, the init container holds two capabilities and nothing else', () => {
    const restricted = {
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      seccompProfile: { type: 'RuntimeDefault' },
    };
    expect(proxy['securityContext']).toEqual({
      ...restricted,
      capabilities: { drop: ['ALL'] },
      runAsNonRoot: true,
      runAsUser: 1337,
      runAsGroup: 1337,
    });
    expect(init['securityContext']).toEqual({
      ...restricted,
      capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
      runAsNonRoot: false,
      runAsUser: 0,
      runAsGroup: 0,
    });
  });

  test('the API token is masked in both', () => {
    for (const container of [proxy, init]) {
      expect(container['volumeMounts']).toContainEqual({
        name: 'istio-token-mask',
        mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
        readOnly: true,
      });
    }
  });

  test('volumes and their mounts', () => {
    expect(namesOf(injected.spec.volumes)).toEqual(['istio-logs', 'istio-podinfo', 'istio-token-mask']);
    expect(proxy['volumeMounts']).toContainEqual({ name: 'istio-logs', mountPath: '/var/log/istio' });
    expect(proxy['volumeMounts']).toContainEqual({
      name: 'istio-podinfo',
      mountPath: '/etc/istio/pod',
      readOnly: true,
    });
  });

  test("the pod's own default container stays", () => {
    expect(injected.metadata.annotations['kubectl.kubernetes.io/default-container']).toBe('app');
    const chosen = podWith({ annotations: { 'kubectl.kubernetes.io/default-container': 'other' } });
    expect(injectedPod(chosen).metadata.annotations['kubectl.kubernetes.io/default-container']).toBe('other');
  });

  test('image, pull policy and pull secrets come from the settings; secrets that are there are not added again', () => {
    const settings = {
      image: 'registry.example.com/envoy:v1',
      imagePullPolicy: 'Always',
      imagePullSecrets: ['a', 'b'],
    };
    const pod = injectedPod(podWith({ spec: { imagePullSecrets: [{ name: 'b' }] } }), snapshotOf({ proxy: settings }));
    expect(containerOf(pod, 'istio-proxy')).toMatchObject({
      image: 'registry.example.com/envoy:v1',
      imagePullPolicy: 'Always',
    });
    expect(namesOf(pod.spec.imagePullSecrets)).toEqual(['b', 'a']);
  });

  test("the status has Istio's keys and ours", () => {
    const status = JSON.parse(injected.metadata.annotations['sidecar.istio.io/status'] ?? '') as object;
    expect(Object.keys(status)).toEqual([
      'initContainers',
      'containers',
      'volumes',
      'imagePullSecrets',
      'revision',
      'templates',
      'settingsHash',
      'version',
      'inputs',
      'undo',
    ]);
    expect(status).toMatchObject({
      initContainers: ['istio-init', 'istio-proxy'],
      containers: null,
      volumes: ['istio-logs', 'istio-podinfo', 'istio-token-mask'],
      imagePullSecrets: null,
      revision: 'default',
      templates: ['sidecar'],
      settingsHash: snapshotOf().hash,
    });
  });

  test('a status port of 0 leaves the probes alone and takes their ports out of the capture', () => {
    const pod = podWith({
      annotations: { 'status.sidecar.istio.io/port': '0' },
      container: { readinessProbe: { httpGet: { path: '/', port: 8080 } } },
    });
    const result = injectedPod(pod);
    expect(containerOf(result, 'app')['readinessProbe']).toEqual({ httpGet: { path: '/', port: 8080 } });
    expect(containerOf(result, 'istio-proxy')['startupProbe']).toBeUndefined();
    expect(JSON.stringify(containerOf(result, 'istio-init')['env'])).toContain('--dport 8080 -j RETURN');
  });
});

test('a refusal says as well which annotations are unknown', () => {
  const annotations = { 'sidecar.istio.io/proxyCPU': '1 m', 'sidecar.istio.io/proxyCPULimt': '1' };
  const decision = decideOn(podWith({ annotations }));
  expect(decision.reasons.map(({ code }) => code)).toEqual(['InvalidAnnotation']);
  expect(decision.warnings).toEqual([
    'sidecar-injector: annotation "sidecar.istio.io/proxyCPULimt" is unknown and has no effect, did you mean "sidecar.istio.io/proxyCPULimit"?',
  ]);
});

test.each([
  ['Never', 'false', 1],
  ['OnFailure', 'false', 1],
  ['Never', 'true', 0],
  ['Always', 'false', 0],
])(
  'a pod with restartPolicy %s and nativeSidecar %s is warned %d times about completion',
  (restartPolicy, native, times) => {
    const pod = podWith({ annotations: { 'sidecar.istio.io/nativeSidecar': native }, spec: { restartPolicy } });
    expect(decideOn(pod).warnings.filter((text) => text.includes('never completes'))).toHaveLength(times);
  },
);

describe('labels by which injected pods are listed', () => {
  const ours = (snapshot: Snapshot, native: boolean) => ({
    'sidecar-injector.io/settings-hash': snapshot.hash.slice(0, 8),
    'sidecar-injector.io/version': snapshot.version,
    'sidecar-injector.io/sidecar': native ? 'native' : 'classic',
  });

  test('say which settings, which version and which kind of sidecar', () => {
    const snapshot = snapshotOf();
    expect(injectedPod(podWith(), snapshot).metadata.labels).toEqual(ours(snapshot, true));
    const classic = { ...snapshot, nativeSidecars: false };
    expect(injectedPod(podWith(), classic).metadata.labels).toEqual(ours(classic, false));
  });

  test('are true also if the pod says otherwise, whose own come back', () => {
    const before = podWith({ labels: { app: 'web', 'sidecar-injector.io/version': 'of-another-pod' } });
    const snapshot = snapshotOf();
    const after = injectedPod(before, snapshot);
    expect(after.metadata.labels).toEqual({ app: 'web', ...ours(snapshot, true) });
    const undone = undo(after as unknown as JsonObject);
    expect(applyToValue(after as unknown as JsonObject, undone?.operations ?? [])).toEqual(before);
  });
});

describe('declared sidecars', () => {
  const shipper = {
    apiVersion: 'sidecar-injector.io/v1alpha1',
    kind: 'SidecarTemplate',
    metadata: { name: 'log-shipper' },
    spec: {
      initContainers: [{ name: 'shipper', image: 'fluent-bit:3', restartPolicy: 'Always' }],
      containers: [{ name: 'helper', image: 'helper:1' }],
      volumes: [{ name: 'logs', emptyDir: {} }],
      labels: { shipped: 'yes' },
      annotations: { 'example.com/a': 'b' },
      imagePullSecrets: ['shipper'],
    },
  };
  const snapshot = snapshotOf({}, { templates: [shipper] });
  const asking = (templates: string) => podWith({ annotations: { 'inject.istio.io/templates': templates } });

  test('come in the order of the annotation, native ones after the proxy', () => {
    const pod = injectedPod(asking('sidecar,log-shipper'), snapshot);
    expect(namesOf(pod.spec.initContainers)).toEqual(['istio-init', 'istio-proxy', 'shipper']);
    expect(namesOf(pod.spec.containers)).toEqual(['app', 'helper']);
    expect(pod.metadata.labels).toMatchObject({ shipped: 'yes' });
    expect(pod.metadata.annotations['example.com/a']).toBe('b');
    expect(namesOf(pod.spec.imagePullSecrets)).toEqual(['shipper']);
  });

  test('come without the proxy when the pod asks for them alone', () => {
    const pod = injectedPod(asking('log-shipper'), snapshot);
    expect(namesOf(pod.spec.initContainers)).toEqual(['shipper']);
    expect(namesOf(pod.spec.volumes)).toEqual(['logs']);
  });

  test('an unknown one is refused with a suggestion', () => {
    const decision = decideOn(asking('sidecar,log-shiper'), snapshot);
    expect(decision.outcome).toBe('deny');
    expect(decision.reasons).toEqual([
      {
        code: 'UnknownTemplate',
        message:
          'inject.istio.io/templates: "log-shiper" is not a known sidecar, did you mean "log-shipper"?; known: sidecar, log-shipper',
      },
    ]);
  });

  test.each([
    [
      'a container',
      { spec: { containers: [{ name: 'app' }, { name: 'helper' }] } },
      'container "helper" of sidecar "log-shipper" is also in the pod; rename one of them',
    ],
    [
      'a volume',
      { spec: { volumes: [{ name: 'logs' }] } },
      'volume "logs" of sidecar "log-shipper" is also in the pod; rename one of them',
    ],
  ])('a name that is taken is refused and names both sides: %s', (_name, parts, message) => {
    const pod = podWith({ annotations: { 'inject.istio.io/templates': 'log-shipper' }, ...parts });
    expect(decideOn(pod, snapshot).reasons).toEqual([{ code: 'NameConflict', message }]);
  });
});

describe('what cannot live beside the proxy', () => {
  const conflict = (spec: JsonObject, container: JsonObject = {}) =>
    decideOn(podWith({ spec, container })).reasons.map(({ code, message }) => `${code}: ${message}`);

  test.each<[string, JsonObject, JsonObject, string]>([
    [
      'a volume of ours',
      { volumes: [{ name: 'istio-logs' }] },
      {},
      'NameConflict: volume "istio-logs" of sidecar "sidecar" is also in the pod; rename one of them',
    ],
    [
      'the outbound port',
      {},
      { ports: [{ containerPort: 15001 }] },
      'PortConflict: container "app" declares port 15001, which the proxy listens on; use another port',
    ],
    [
      'the status port',
      {},
      { ports: [{ containerPort: 15020 }] },
      'PortConflict: container "app" declares port 15020, which the proxy listens on; use another port',
    ],
    [
      "the proxy's user",
      {},
      { securityContext: { runAsUser: 1337 } },
      'UserConflict: container "app" runs as user 1337, the proxy\'s, and would pass it by; use another runAsUser',
    ],
    [
      "the proxy's user by the pod",
      { securityContext: { runAsUser: 1337 } },
      {},
      'UserConflict: container "app" runs as user 1337, the proxy\'s, and would pass it by; use another runAsUser',
    ],
    [
      "the proxy's group",
      {},
      { securityContext: { runAsGroup: 1337 } },
      'UserConflict: container "app" runs as group 1337, the proxy\'s, and would pass it by; use another runAsGroup',
    ],
  ])('%s', (_name, spec, container, expected) => expect(conflict(spec, container)).toEqual([expected]));

  test("a container's own user hides the pod's, and without capture the user does not matter", () => {
    expect(conflict({ securityContext: { runAsUser: 1337 } }, { securityContext: { runAsUser: 1 } })[0]).toMatch(
      /^PolicyEnabled/,
    );
    const none = podWith({
      annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' },
      container: { securityContext: { runAsUser: 1337 } },
    });
    expect(decideOn(none).outcome).toBe('inject');
  });

  test('all conflicts come back at once', () => {
    const container = {
      ports: [{ containerPort: 15006 }, { containerPort: 15090 }],
      securityContext: { runAsUser: 1337 },
    };
    expect(conflict({}, container)).toHaveLength(3);
  });

  test.each<[string, JsonObject, string]>([
    ['no spec', { metadata: {} }, 'InvalidPod: the pod has no spec'],
    ['containers that are no list', { spec: { containers: 'app' } }, 'InvalidPod: spec.containers is not a list'],
    [
      'a volume that is no object',
      { spec: { containers: [], volumes: ['x'] } },
      'InvalidPod: spec.volumes[0] is not an object',
    ],
    [
      'labels that are no map',
      { metadata: { labels: 'x' }, spec: { containers: [] } },
      'InvalidPod: metadata.labels is not a map',
    ],
  ])('a pod that is none: %s', (_name, pod, expected) => {
    expect(decideOn(pod).reasons.map(({ code, message }) => `${code}: ${message}`)).toEqual([expected]);
  });

  test('annotations that would grow beyond the limit of Kubernetes', () => {
    const decision = decideOn(podWith({ annotations: { a: 'x'.repeat(256 * 1024 - 100) } }));
    expect(decision.reasons.map(({ code }) => code)).toEqual(['AnnotationsTooLarge']);
    expect(decideOn(podWith({ annotations: { a: 'x'.repeat(200 * 1024) } })).outcome).toBe('inject');
  });
});

describe('a pod that no kubelet could run', () => {
  const many = (count: number, make: (index: number) => JsonObject): JsonObject[] =>
    Array.from({ length: count }, (_, index) => make(index));

  test.each([
    ['containers', many(1_001, (index) => ({ name: `c${index}`, image: 'a' }))],
    ['initContainers', many(1_001, () => ({ name: 'istio-proxy' }))],
    ['volumes', many(1_001, () => ({ name: 'istio-data', emptyDir: {} }))],
  ])('for its %s is refused', (list, entries) => {
    const decision = decideOn(podWith({ spec: { containers: [{ name: 'app' }], [list]: entries } }));
    expect(decision.reasons).toEqual([
      { code: 'InvalidPod', message: `spec.${list} has 1001 entries; at most 1000 can be injected` },
    ]);
  });

  test('for its annotations alone is none: all spellings of one give way', () => {
    const istiod = snapshotOf({ mode: 'istiod', istiod: { values: { global: { tag: '1.28.0' } } } });
    const annotations = Object.fromEntries(
      Array.from({ length: 130_000 }, (_, index) => [
        `prometheus.io${String.fromCodePoint(0x4e00 + index)}port`,
        '8080',
      ]),
    );
    const decision = decideOn(podWith({ annotations }), istiod);
    expect(decision.reasons.map(({ code }) => code)).toEqual(['AnnotationsTooLarge']);
  });
});
