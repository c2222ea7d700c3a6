import { describe, expect, test } from '@jest/globals';
import { undo } from '../../../src/index.ts';
import { applyToValue } from '../../../src/json/apply.ts';
import type { JsonObject } from '../../../src/json/json.ts';
import { injectWithIstiod, istioPod, istiodSnapshot, type Injected } from '../../support/processes/istiod.ts';

/*
 * Branches of Istio's injection template and injector that none of its own expectations exercise.
 */
function variableNames({ container }: Injected): string[] {
  return ((container('istio-proxy')?.['env'] ?? []) as { name: string }[]).map(({ name }) => name);
}

function initNames({ pod }: Injected): string[] {
  return (pod['spec'] as { initContainers: { name: string }[] }).initContainers.map(({ name }) => name);
}

describe('cluster and network stand behind all other variables', () => {
  test.each([
    [{ multiCluster: { clusterName: 'west' } }, {}, ['ISTIO_META_CLUSTER_ID']],
    [{ network: 'n1', multiCluster: { clusterName: 'west' } }, {}, ['ISTIO_META_CLUSTER_ID', 'ISTIO_META_NETWORK']],
    [{}, { 'topology.istio.io/network': 'n2' }, ['ISTIO_META_NETWORK']],
  ])('%j %j', (global, labels, last) => {
    const injected = injectWithIstiod(istioPod({ labels }), istiodSnapshot({ global }));
    expect(variableNames(injected).slice(-last.length)).toEqual(last);
    expect(variableNames(injected).filter((name) => name === 'ISTIO_META_CLUSTER_ID')).toHaveLength(1);
  });

  test('the cluster keeps its place when nobody names it', () => {
    const injected = injectWithIstiod(istioPod(), istiodSnapshot());
    expect(variableNames(injected).at(-1)).toBe('TRUST_DOMAIN');
    expect(injected.variable('ISTIO_META_CLUSTER_ID')).toBe('Kubernetes');
  });
});

describe('security of the proxy', () => {
  const trace = { 'proxy.istio.io/config': 'proxyMetadata: {IPTABLES_TRACE_LOGGING: "true"}' };
  const bind = { 'sidecar.istio.io/capNetBindService': 'true' };
  const tproxy = { 'sidecar.istio.io/interceptionMode': 'TPROXY' };

  test.each([
    [trace, ['NET_ADMIN'], 0, 1009, true],
    [{ ...trace, ...bind, ...tproxy }, ['NET_ADMIN'], 0, 1009, true],
    [bind, ['NET_BIND_SERVICE'], 0, 1337, false],
    [{ ...bind, ...tproxy }, ['NET_ADMIN', 'NET_BIND_SERVICE'], 0, 1337, false],
    [{}, undefined, 1009, 1009, false],
  ])('%j', (annotations, add, runAsUser, runAsGroup, privileged) => {
    const snapshot = istiodSnapshot({ global: { platform: 'openshift' } });
    const namespaceAnnotations = { 'openshift.io/sa.scc.uid-range': '1000/10' };
    const { container } = injectWithIstiod(istioPod({ annotations }), snapshot, { namespaceAnnotations });
    expect(container('istio-proxy')?.['securityContext']).toEqual({
      allowPrivilegeEscalation: privileged,
      capabilities: { ...(add === undefined ? {} : { add }), drop: ['ALL'] },
      privileged,
      readOnlyRootFilesystem: true,
      runAsGroup,
      runAsNonRoot: runAsUser !== 0,
      runAsUser,
    });
  });

  test('with TPROXY the check of a node agent’s rules stays no root, whatever user the proxy was given', () => {
    const proxy = { name: 'istio-proxy', image: 'auto', securityContext: { runAsUser: 1234, runAsGroup: 4321 } };
    const pod = istioPod({ annotations: tproxy }, { containers: [{ name: 'app' }, proxy] });
    const { container } = injectWithIstiod(pod, istiodSnapshot({ pilot: { cni: { enabled: true } } }));
    expect(container('istio-validation')).toMatchObject({
      securityContext: { runAsUser: 1337, runAsGroup: 1337, runAsNonRoot: true },
    });
    expect(container('istio-proxy')).toMatchObject({ securityContext: { runAsUser: 0, runAsGroup: 4321 } });
  });
});

test('a node agent is told of no excluded port too', () => {
  const snapshot = istiodSnapshot({ pilot: { cni: { enabled: true } } });
  const pod = istioPod({ annotations: { 'status.sidecar.istio.io/port': '0' } });
  expect(injectWithIstiod(pod, snapshot).annotation('traffic.sidecar.istio.io/excludeInboundPorts')).toBe('');
});

test.each([
  [{}, 'istio-ca-crl'],
  [{ pilot: { crlConfigMapName: 'mine' } }, 'mine'],
])('revoked certificates: %j', (values, name) => {
  expect(injectWithIstiod(istioPod(), istiodSnapshot(values)).volume('istio-ca-crl')).toEqual({
    name: 'istio-ca-crl',
    configMap: { name, optional: true },
  });
});

test('ports of the user’s own copy of the proxy are ports of the pod', () => {
  const proxy = { name: 'istio-proxy', image: 'auto', ports: [{ containerPort: 9 }] };
  const injected = injectWithIstiod(istioPod({}, { containers: [{ name: 'app' }, proxy] }), istiodSnapshot());
  expect(JSON.parse(injected.variable('ISTIO_META_POD_PORTS') ?? '')).toEqual([{ containerPort: 9 }]);
  expect(injected.variable('ISTIO_META_APP_CONTAINERS')).toBe('app');
});

test('resources that the values take away altogether', () => {
  const { container } = injectWithIstiod(istioPod(), istiodSnapshot({ global: { proxy: { resources: null } } }));
  expect(container('istio-proxy')?.['resources']).toEqual({});
});

describe('what Istio’s chart writes into the mesh configuration', () => {
  test.each([
    [{ revision: 'canary' }, {}, { discoveryAddress: 'istiod-canary.istio-system.svc:15012' }],
    [{ global: { istioNamespace: 'mesh' } }, {}, { discoveryAddress: 'istiod.mesh.svc:15012' }],
    [{ global: { meshID: 'm', variant: 'debug' } }, {}, { meshId: 'm', image: { imageType: 'debug' } }],
    [{ revision: 'canary' }, { discoveryAddress: 'other:15012' }, { discoveryAddress: 'other:15012' }],
    [{}, {}, {}],
  ])('%j %j', (values, defaultConfig, expected) => {
    const snapshot = istiodSnapshot(values, { meshConfig: { defaultConfig } });
    expect(JSON.parse(injectWithIstiod(istioPod(), snapshot).variable('PROXY_CONFIG') ?? '')).toEqual(expected);
  });
});

test.each([
  ['always', ['istio-init', 'istio-proxy', 'enable-core-dump', 'one', 'two']],
  ['never', ['one', 'two', 'istio-init', 'enable-core-dump']],
])('the container for core dumps of old releases, native sidecars %s', (nativeSidecars, expected) => {
  const initContainers = ['one', 'enable-core-dump', 'two'].map((name) => ({ name, image: 'x' }));
  const snapshot = istiodSnapshot({}, { spec: { injection: { nativeSidecars } } });
  expect(initNames(injectWithIstiod(istioPod({}, { initContainers }), snapshot))).toEqual(expected);
});

describe('a pod that Istio’s injector has injected', () => {
  const status = (more: object): string => JSON.stringify({ volumes: null, imagePullSecrets: null, ...more });
  const probers = JSON.stringify({ '/app-health/app/readyz': { httpGet: { port: 80 } } });
  const old = {
    name: 'istio-proxy',
    image: 'old:1',
    args: ['proxy', 'old'],
    env: [
      { name: 'JWT_POLICY', value: 'third-party-jwt' },
      { name: 'ISTIO_KUBE_APP_PROBERS', value: probers },
      { name: 'CA_ADDR', value: 'old:1' },
    ],
  };
  const containers: JsonObject[] = [
    old,
    { name: 'app', readinessProbe: { httpGet: { path: '/app-health/app/readyz', port: 15_020 } } },
    { name: 'late', ports: [{ containerPort: 90 }], readinessProbe: { httpGet: { port: 90 } } },
  ];
  const spec = { containers, initContainers: [{ name: 'istio-init', image: 'old:1', args: ['old'] }] };

  function pod(more: object): JsonObject {
    return istioPod({ annotations: { 'sidecar.istio.io/status': status(more) } }, spec);
  }

  const classicStatus = { initContainers: ['istio-init'], containers: ['istio-proxy'] };

  test('its containers are none of the application’s, and new probers join the old ones in their place', () => {
    const injected = injectWithIstiod(pod(classicStatus), istiodSnapshot());
    expect(injected.variable('ISTIO_META_APP_CONTAINERS')).toBe('app,late');
    expect(JSON.parse(injected.variable('ISTIO_META_POD_PORTS') ?? '')).toEqual([{ containerPort: 90 }]);
    expect(JSON.parse(injected.variable('ISTIO_KUBE_APP_PROBERS') ?? '')).toEqual({
      '/app-health/app/readyz': { httpGet: { port: 80 } },
      '/app-health/late/readyz': { httpGet: { port: 90 } },
    });
    expect(variableNames(injected).at(-1)).not.toBe('ISTIO_KUBE_APP_PROBERS');
    expect(injected.container('late')).toMatchObject({
      readinessProbe: { httpGet: { path: '/app-health/late/readyz', port: 15_020 } },
    });
    expect(injected.decision.warnings).toEqual([expect.stringContaining('has injected the pod before')]);
  });

  test.each([undefined, '{}'])('a hook that the agent cannot forward adds no prober to those it has: %s', (value) => {
    const variable = value === undefined ? [] : [{ name: 'ISTIO_KUBE_APP_PROBERS', value }];
    const hook = { httpGet: { path: '/app-lifecycle/app/prestopz', port: 15_999 } };
    const annotations = {
      'sidecar.istio.io/status': status(classicStatus),
      'status.sidecar.istio.io/port': '15999',
    };
    const own = {
      containers: [
        { name: 'app', lifecycle: { preStop: hook } },
        { ...old, env: variable },
      ],
    };
    const injected = injectWithIstiod(istioPod({ annotations }, own), istiodSnapshot());
    expect(injected.variable('ISTIO_KUBE_APP_PROBERS')).toBe(value);
    expect(injected.container('app')).toMatchObject({ lifecycle: { preStop: hook } });
  });

  test.each(['', 'x', '[]', '5', 'null'])('probers that the agent cannot read are replaced: %j', (value) => {
    const unread = { ...old, env: [{ name: 'ISTIO_KUBE_APP_PROBERS', value }] };
    const own = { ...spec, containers: containers.with(0, unread) };
    const injected = injectWithIstiod(istioPod(pod(classicStatus)['metadata'] as JsonObject, own), istiodSnapshot());
    expect(injected.variable('ISTIO_KUBE_APP_PROBERS')).toBe('{"/app-health/late/readyz":{"httpGet":{"port":90}}}');
  });

  test('a classic proxy becomes native as a wish of the user’s, so its old fields win', () => {
    const injected = injectWithIstiod(pod(classicStatus), istiodSnapshot());
    expect(initNames(injected)).toEqual(['istio-init', 'istio-proxy']);
    expect(injected.container('istio-proxy')).toMatchObject({ image: 'old:1', args: ['proxy', 'old'] });
    expect(injected.variable('CA_ADDR')).toBe('old:1');
    expect(injected.annotation('proxy.istio.io/overrides')).toBeUndefined();
  });

  test('what stays in its list is rendered anew, and only what the template does not say is left of the old', () => {
    const snapshot = istiodSnapshot({}, { spec: { injection: { nativeSidecars: 'never' } } });
    const injected = injectWithIstiod(pod(classicStatus), snapshot);
    expect(injected.container('istio-proxy')).toMatchObject({ image: 'docker.io/istio/proxyv2:1.28.0' });
    expect(injected.argumentsOf('istio-init')).toContain('istio-iptables -p 15001');
    expect(injected.variable('CA_ADDR')).toBe('istiod.istio-system.svc:15012');
    expect(injected.variable('JWT_POLICY')).toBe('third-party-jwt');
  });

  describe('a native proxy where the proxy is an ordinary container', () => {
    const never = istiodSnapshot({}, { spec: { injection: { nativeSidecars: 'never' } } });
    const hook = { preStop: { exec: { command: ['pilot-agent', 'request', 'POST', 'drain'] } } };
    const native = { ...old, restartPolicy: 'Always', lifecycle: hook };
    const own = { containers: [{ name: 'app', image: 'shop:1' }], initContainers: [native] };

    test('nothing of an earlier injection is left', () => {
      const annotations = { 'sidecar.istio.io/status': status({ initContainers: ['istio-proxy'], containers: null }) };
      const injected = injectWithIstiod(istioPod({ annotations }, own), never);
      expect(initNames(injected)).toEqual(['istio-init']);
      const fresh = injectWithIstiod(istioPod({}, { containers: own.containers }), never);
      expect(injected.container('istio-proxy')).toEqual(fresh.container('istio-proxy'));
    });

    test('but what the user wrote, then and now', () => {
      const annotations = {
        'sidecar.istio.io/status': status({ initContainers: ['istio-proxy'], containers: null }),
        'proxy.istio.io/overrides': JSON.stringify({ initContainers: [{ ...native, image: 'auto', args: ['then'] }] }),
      };
      const then = injectWithIstiod(istioPod({ annotations }, own), never).container('istio-proxy');
      expect(then).toMatchObject({ image: 'docker.io/istio/proxyv2:1.28.0', args: ['then'] });
      expect(then).not.toHaveProperty('restartPolicy');
      const now = injectWithIstiod(istioPod({}, own), never).container('istio-proxy');
      expect(now).toMatchObject({ image: 'old:1', args: ['proxy', 'old'], lifecycle: hook });
      expect(now).not.toHaveProperty('restartPolicy');
    });
  });

  test('the user’s own copy, kept from the first time, is back among the pod’s containers', () => {
    const copy = { name: 'istio-proxy', image: 'auto', ports: [{ containerPort: 9 }] };
    const annotations = {
      'sidecar.istio.io/status': status(classicStatus),
      'proxy.istio.io/overrides': JSON.stringify({ containers: [copy] }),
    };
    const injected = injectWithIstiod(istioPod({ annotations }, spec), istiodSnapshot());
    expect(JSON.parse(injected.variable('ISTIO_META_POD_PORTS') ?? '')).toEqual([
      { containerPort: 90 },
      { containerPort: 9 },
    ]);
  });

  test.each(['', 'x', '[]', '{"containers": "istio-proxy"}', '{"initContainers": [1]}'])(
    'a status of another form names no containers, and is replaced: %j',
    (text) => {
      const odd = istioPod({ annotations: { 'sidecar.istio.io/status': text } });
      const { decision, annotation, container } = injectWithIstiod(odd, istiodSnapshot());
      expect(container('istio-proxy')).toBeDefined();
      expect(annotation('sidecar.istio.io/status')).toContain('"initContainers":["istio-init","istio-proxy"]');
      expect(decision.warnings).toEqual([expect.stringContaining('not what an injector writes')]);
      const after = applyToValue(structuredClone(odd), decision.operations) as JsonObject;
      expect(applyToValue(after, undo(after)?.operations ?? [])).toEqual(odd);
    },
  );

  test('variables of probers that only the user’s copy sets are replaced', () => {
    const copy = { name: 'istio-proxy', env: [{ name: 'ISTIO_KUBE_APP_PROBERS', value: '{"a":{}}' }] };
    const probed = { name: 'app', image: 'shop:1', readinessProbe: { httpGet: { port: 80 } } };
    const injected = injectWithIstiod(istioPod({}, { containers: [probed, copy] }), istiodSnapshot());
    expect(injected.variable('ISTIO_KUBE_APP_PROBERS')).toBe('{"/app-health/app/readyz":{"httpGet":{"port":80}}}');
  });
});
