import { describe, expect, test } from '@jest/globals';
import { decide } from '../../../src/index.ts';
import { withClusterFacts, withNamespaces } from '../../../src/injection/snapshot.ts';
import { withMultusNetwork } from '../../../src/istio/templates/node-agent-annotations.ts';
import { injectWithIstiod, istioPod, istiodSnapshot, type Injected } from '../../support/processes/istiod.ts';

const cni = { pilot: { cni: { enabled: true } } };

function names(injected: Injected, list: 'initContainers' | 'containers'): string[] {
  const spec = injected.pod['spec'] as Record<string, { name: string }[]>;
  return (spec[list] ?? []).map(({ name }) => name);
}

describe('a node agent captures', () => {
  test('the check needs no capability, and the annotations say what to capture', () => {
    const annotations = {
      'traffic.sidecar.istio.io/excludeInboundPorts': '7',
      'traffic.sidecar.istio.io/excludeOutboundPorts': '9',
      'traffic.sidecar.istio.io/includeInboundPorts': '',
    };
    const injected = injectWithIstiod(istioPod({ annotations }), istiodSnapshot(cni));
    expect(names(injected, 'initContainers')).toEqual(['istio-validation', 'istio-proxy']);
    expect(injected.container('istio-validation')).toMatchObject({
      securityContext: {
        capabilities: { drop: ['ALL'] },
        runAsUser: 1337,
        runAsNonRoot: true,
        readOnlyRootFilesystem: true,
      },
    });
    expect(JSON.stringify(injected.container('istio-validation'))).not.toContain('NET_ADMIN');
    expect(injected.argumentsOf('istio-validation')).toContain('--run-validation --skip-rule-apply');
    expect(injected.annotation('traffic.sidecar.istio.io/excludeInboundPorts')).toBe('7,15020');
    expect(injected.annotation('traffic.sidecar.istio.io/excludeOutboundPorts')).toBe('9');
    expect(injected.annotation('traffic.sidecar.istio.io/includeInboundPorts')).toBe('');
    expect(injected.annotation('sidecar.istio.io/interceptionMode')).toBe('REDIRECT');
  });

  test('classic: the check comes before everything, the loading after', () => {
    const spec = { containers: [{ name: 'app' }], initContainers: [{ name: 'own' }] };
    const annotations = { 'sidecar.istio.io/nativeSidecar': 'false' };
    const pod = istioPod({ annotations }, spec);
    expect(names(injectWithIstiod(pod, istiodSnapshot(cni)), 'initContainers')).toEqual(['istio-validation', 'own']);
    expect(names(injectWithIstiod(pod, istiodSnapshot()), 'initContainers')).toEqual(['own', 'istio-init']);
  });

  test.each([
    [undefined, 'default/istio-cni'],
    ['', 'default/istio-cni'],
    ['a', 'a, default/istio-cni'],
    ['a, default/istio-cni', 'a, default/istio-cni'],
    ['[]', '[{"name": "istio-cni", "namespace": "default"}]'],
    ['[{"name":"a"}]', '[{"name":"a"}, {"name": "istio-cni", "namespace": "default"}]'],
    ['[{"name":"istio-cni","namespace":"default"}]', '[{"name":"istio-cni","namespace":"default"}]'],
    ['[broken', '[broken'],
    ['{"a":1}', '{"a":1}, default/istio-cni'],
  ])('the network list %j of Multus', (list, expected) => {
    const once = withMultusNetwork(list);
    expect(once).toBe(expected);
    expect(withMultusNetwork(once)).toBe(expected);
  });
});

describe('TPROXY', () => {
  const mesh = { meshConfig: { defaultConfig: { interceptionMode: 'TPROXY' } } };

  test('the proxy is root with one capability, and exempt by its group', () => {
    const injected = injectWithIstiod(istioPod(), istiodSnapshot({}, mesh));
    expect(injected.argumentsOf('istio-init')).toContain('-u 1337 -m TPROXY');
    expect(injected.container('istio-proxy')).toMatchObject({
      securityContext: {
        runAsUser: 0,
        runAsGroup: 1337,
        runAsNonRoot: false,
        capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
      },
    });
  });

  test('with a group of the user’s own the rules exempt that group too', () => {
    const proxy = { name: 'istio-proxy', image: 'auto', securityContext: { runAsUser: 1234, runAsGroup: 4321 } };
    const injected = injectWithIstiod(istioPod({}, { containers: [{ name: 'app' }, proxy] }), istiodSnapshot({}, mesh));
    expect(injected.argumentsOf('istio-init')).toContain('-u 1234 -g 4321 -m TPROXY');
    expect(injected.container('istio-proxy')).toMatchObject({ securityContext: { runAsUser: 0, runAsGroup: 4321 } });
  });

  test('NONE captures nothing and needs no init container', () => {
    const pod = istioPod({ annotations: { 'sidecar.istio.io/interceptionMode': 'NONE' } });
    const injected = injectWithIstiod(pod, istiodSnapshot({}, mesh));
    expect(names(injected, 'initContainers')).toEqual(['istio-proxy']);
    expect(injected.decision.capture).toBeUndefined();
  });
});

describe('OpenShift', () => {
  const snapshot = istiodSnapshot({ ...cni, global: { platform: 'openshift' } });
  const ranges = (users: string, groups?: string): Record<string, string> => ({
    'openshift.io/sa.scc.uid-range': users,
    ...(groups === undefined ? {} : { 'openshift.io/sa.scc.supplemental-groups': groups }),
  });

  test.each([
    [ranges('1000620000/10000', '1000620000/10000'), 1_000_629_999, 1_000_629_999],
    [ranges('1000-1999', '5/10,100/5'), 1999, 14],
    [ranges('1000/1'), 1000, 1000],
    [ranges('1000-1999'), 1999, 1999],
    [ranges('nonsense'), 1337, 1337],
    [ranges('nonsense', '5/10'), 1337, 14],
    [ranges('1000/10', 'nonsense'), 1009, 1337],
    [ranges('1000/10', '5/10,nonsense'), 1009, 1337],
    [ranges('1000/10', ''), 1009, 1337],
    [ranges('9999999999/10'), 1337, 1337],
    [{ 'openshift.io/sa.scc.supplemental-groups': '1000640000/10000' }, 1337, 1_000_649_999],
    [undefined, 1337, 1337],
  ])('%j: user %i, group %i', (namespaceAnnotations, uid, gid) => {
    const injected = injectWithIstiod(istioPod(), snapshot, { namespaceAnnotations });
    expect(injected.argumentsOf('istio-validation')).toContain(`-u ${uid} `);
    for (const name of ['istio-validation', 'istio-proxy']) {
      expect(injected.container(name)).toMatchObject({ securityContext: { runAsUser: uid, runAsGroup: gid } });
    }
  });

  test('ranges that are known of the cluster count where the caller knows none', () => {
    const known = withNamespaces(snapshot, new Map([['demo', { labels: {}, annotations: ranges('1000/10') }]]));
    expect(injectWithIstiod(istioPod(), known).argumentsOf('istio-validation')).toContain('-u 1009 ');
    const other = injectWithIstiod(istioPod(), known, { namespace: 'other' });
    expect(other.argumentsOf('istio-validation')).toContain('-u 1337 ');
  });

  test('ids that the platform wrote into the user’s copy are nobody’s wish', () => {
    const same = { securityContext: { runAsUser: 1_000_620_000 } };
    const containers = [
      { name: 'app', ...same },
      { name: 'istio-proxy', image: 'auto', ...same },
    ];
    const namespaceAnnotations = ranges('1000620000/10000');
    const injected = injectWithIstiod(istioPod({}, { containers }), snapshot, { namespaceAnnotations });
    expect(injected.container('istio-proxy')).toMatchObject({ securityContext: { runAsUser: 1_000_629_999 } });
  });

  const user = 1_000_620_005;

  test.each<[string, readonly object[], readonly object[], object]>([
    ['the application’s user', [{ runAsUser: user }], [{ runAsUser: user, runAsGroup: 7 }], { runAsGroup: 9 }],
    ['no ids but a group', [{}], [{ runAsGroup: 7 }], { runAsUser: 9, runAsGroup: 9 }],
    [
      'root like the application',
      [{ runAsUser: 0 }],
      [{ runAsUser: 0, runAsGroup: 7 }],
      { runAsUser: 9, runAsGroup: 9 },
    ],
    ['a user of its own', [{ runAsUser: user }], [{ runAsUser: 8, runAsGroup: 7 }], { runAsUser: 8, runAsGroup: 7 }],
    [
      'the first container’s user',
      [{ runAsUser: 8 }, { runAsUser: user }],
      [{ runAsUser: 8 }],
      { runAsUser: 8, runAsGroup: 9 },
    ],
  ])('the copy has %s', (_what, applications, [copy = {}], expected) => {
    const containers = [
      ...applications.map((securityContext, index) => ({ name: `app${index}`, securityContext })),
      { name: 'istio-proxy', image: 'auto', securityContext: copy },
    ];
    const namespaceAnnotations = ranges('0/10');
    const injected = injectWithIstiod(istioPod({}, { containers }), snapshot, { namespaceAnnotations });
    expect(injected.container('istio-proxy')).toMatchObject({ securityContext: expected });
  });

  test('elsewhere the annotations mean nothing', () => {
    const injected = injectWithIstiod(istioPod(), istiodSnapshot(cni), { namespaceAnnotations: ranges('1000/10') });
    expect(injected.argumentsOf('istio-validation')).toContain('-u 1337 ');
  });
});

describe('templates', () => {
  const spire = `spec:
  containers:
  - name: istio-proxy
    volumeMounts:
    - name: workload-socket
      mountPath: /var/run/secrets/workload-spiffe-uds
      readOnly: true
  volumes:
  - name: workload-socket
    csi: {driver: csi.spiffe.io, readOnly: true}
`;
  const values = { sidecarInjectorWebhook: { templates: { spire }, aliases: { both: ['sidecar', 'spire'] } } };

  test.each(['sidecar,spire', 'both'])('%s: one of the values goes onto the native proxy', (templates) => {
    const pod = istioPod({ annotations: { 'inject.istio.io/templates': templates } });
    const injected = injectWithIstiod(pod, istiodSnapshot(values));
    expect(names(injected, 'containers')).toEqual(['app']);
    expect(injected.volume('workload-socket')).toEqual({
      name: 'workload-socket',
      csi: { driver: 'csi.spiffe.io', readOnly: true },
    });
    expect(injected.container('istio-proxy')?.['volumeMounts']).toContainEqual({
      name: 'workload-socket',
      mountPath: '/var/run/secrets/workload-spiffe-uds',
      readOnly: true,
    });
  });

  describe('a text template of the values', () => {
    const text = '{{- $x := list }}\nspec:\n  hostname: {{ .ObjectMeta.Name }}\n';
    const withText = (more: object) => istiodSnapshot({ sidecarInjectorWebhook: { templates: { text }, ...more } });

    test('is refused to the pods that select it, and to no other', () => {
      const snapshot = withText({ aliases: { both: ['sidecar', 'text'] } });
      for (const name of ['text', 'sidecar,text', 'both']) {
        const pod = istioPod({ annotations: { 'inject.istio.io/templates': name } });
        expect(decide({ pod, namespace: 'demo' }, snapshot)).toMatchObject({
          outcome: 'deny',
          reasons: [{ message: expect.stringContaining('"text" is a text template with {{') }],
        });
      }
      expect(injectWithIstiod(istioPod(), snapshot).container('istio-proxy')).toBeDefined();
    });

    test.each([
      { defaultTemplates: ['sidecar', 'text'] },
      { defaultTemplates: ['both'], aliases: { both: ['sidecar', 'text'] } },
      { templates: { sidecar: text } },
    ])('is refused in the settings if every pod gets it: %j', (more) => {
      expect(() => withText(more)).toThrow('text templates with {{ are not run');
    });
  });

  test('gRPC without an agent: every container learns where the bootstrap is', () => {
    const pod = istioPod({ annotations: { 'inject.istio.io/templates': 'grpc-simple' } });
    const injected = injectWithIstiod(pod, istiodSnapshot());
    expect(names(injected, 'initContainers')).toEqual(['grpc-bootstrap-init']);
    expect(injected.container('app')?.['env']).toContainEqual({
      name: 'GRPC_XDS_BOOTSTRAP',
      value: '/var/lib/grpc/data/bootstrap.json',
    });
    expect(injected.annotation('sidecar.istio.io/rewriteAppHTTPProbers')).toBe('false');
  });

  test('a pod of nothing but the proxy is refused beside an application', () => {
    const pod = istioPod({}, { containers: [{ name: 'istio-proxy', image: 'auto' }] });
    expect(decide({ pod, namespace: 'demo' }, istiodSnapshot()).reasons[0].message).toContain(
      'no container of its own',
    );
  });
});

describe('OpenTelemetry', () => {
  const meshConfig = {
    extensionProviders: [
      { name: 'otel', opentelemetry: { service: 'c', serviceAttributeEnrichment: 'OTEL_SEMANTIC_CONVENTIONS' } },
    ],
  };
  test.each([
    [
      {},
      [{ name: 'app', image: 'shop:1.2' }],
      'service.namespace=demo,service.version=1.2,service.instance.id=demo.$(POD_NAME).app',
    ],
    [
      {},
      [{ name: 'app', image: 'host:5000/shop@sha256:ab' }],
      'service.namespace=demo,service.version=sha256:ab,service.instance.id=demo.$(POD_NAME).app',
    ],
    [{}, [{ name: 'app' }, { name: 'b' }], 'service.namespace=demo,service.instance.id=demo.$(POD_NAME).app'],
    [
      {
        'resource.opentelemetry.io/service.namespace': 'n',
        'resource.opentelemetry.io/service.version': 'v',
        'resource.opentelemetry.io/service.instance.id': 'i',
      },
      [{ name: 'app' }],
      'service.namespace=n,service.version=v,service.instance.id=i',
    ],
  ])('%j %j', (annotations, containers, expected) => {
    const injected = injectWithIstiod(istioPod({ annotations }, { containers }), istiodSnapshot({}, { meshConfig }));
    expect(injected.variable('OTEL_RESOURCE_ATTRIBUTES')).toBe(expected);
  });

  test('not unless a provider asks', () => {
    expect(injectWithIstiod(istioPod(), istiodSnapshot()).variable('OTEL_RESOURCE_ATTRIBUTES')).toBeUndefined();
  });
});

describe('native or classic, where nobody says it', () => {
  const at = (stableSidecars: boolean, env: object, nativeSidecars = 'auto') =>
    withClusterFacts(istiodSnapshot({ pilot: { env } }, { spec: { injection: { nativeSidecars } } }), {
      nativeSidecars: true,
      stableSidecars,
      sleepHook: true,
    });

  test.each<[ReturnType<typeof at>, string[]]>([
    [at(true, {}), ['app']],
    [at(false, {}), ['app', 'istio-proxy']],
    [at(false, { ENABLE_NATIVE_SIDECARS: 'true' }), ['app']],
    [at(true, { ENABLE_NATIVE_SIDECARS: 'false' }), ['app', 'istio-proxy']],
    [at(true, { ENABLE_NATIVE_SIDECARS: 'auto' }), ['app']],
    [at(false, {}, 'always'), ['app']],
    [at(true, { ENABLE_NATIVE_SIDECARS: 'true' }, 'never'), ['app', 'istio-proxy']],
  ])('case %#', (snapshot, containers) => {
    expect(names(injectWithIstiod(istioPod(), snapshot), 'containers')).toEqual(containers);
  });
});

describe('variables that a feature of istiod brings', () => {
  test.each([
    [{ COMPLIANCE_POLICY: 'fips-140-3' }, { COMPLIANCE_POLICY: 'fips-140-3', GODEBUG: 'fips140=only' }],
    [{ COMPLIANCE_POLICY: 'fips-140-2' }, { COMPLIANCE_POLICY: 'fips-140-2', GODEBUG: undefined }],
    [{}, { COMPLIANCE_POLICY: undefined, GODEBUG: undefined }],
  ])('%j', (env, expected) => {
    const injected = injectWithIstiod(istioPod(), istiodSnapshot({ pilot: { env } }));
    for (const [name, value] of Object.entries(expected)) expect(injected.variable(name)).toBe(value);
  });
});
