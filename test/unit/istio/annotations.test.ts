import { describe, expect, test } from '@jest/globals';
import { annotationTable, decide, type Decision } from '../../../src/index.ts';
import { injectWithIstiod, istioPod, istiodSnapshot, type Injected } from '../../support/processes/istiod.ts';

/** One row with effect: a good value, what it changes and to what, and a bad value where there is one. */
interface Example {
  readonly good: string;
  readonly effect: (injected: Injected) => unknown;
  readonly value: unknown;
  readonly bad?: string;
  /** Istio's values that the effect needs. */
  readonly values?: object;
}

const args = (name: string) => (injected: Injected) => injected.argumentsOf(name);
const init = (flag: string) => expect.stringContaining(flag);
const resources = ({ container }: Injected) => container('istio-init')?.['resources'];
const probe = ({ container }: Injected) => container('istio-proxy')?.['readinessProbe'];
const annotation = (name: string) => (injected: Injected) => injected.annotation(name);
const label = (name: string) => (injected: Injected) => injected.label(name);
const variable = (name: string) => (injected: Injected) => injected.variable(name);
const probers = ({ variable: of }: Injected) => of('ISTIO_KUBE_APP_PROBERS') !== undefined;
const outcome = ({ decision }: Injected) => decision.reasons[0].code;
const scraped = ({ variable: of }: Injected) =>
  JSON.parse(of('ISTIO_PROMETHEUS_ANNOTATIONS') ?? '{}') as Readonly<Record<string, unknown>>;
/** What only the agent reads goes to it by the downward API: the annotation stays as it is. */
function forTheAgent(name: string, good: string, bad: string): Readonly<Record<string, Example>> {
  return { [name]: { good, effect: annotation(name), value: good, bad } };
}
const traffic = 'traffic.sidecar.istio.io';

const examples: Readonly<Record<string, Example>> = {
  'label sidecar.istio.io/inject': { good: 'true', effect: outcome, value: 'OptedIn', bad: 'yes' },
  'sidecar.istio.io/inject': { good: 'true', effect: outcome, value: 'OptedIn', bad: 'yes' },
  'inject.istio.io/templates': {
    good: 'grpc-simple',
    effect: ({ container }) => container('grpc-bootstrap-init')?.['name'],
    value: 'grpc-bootstrap-init',
    bad: 'nothing',
  },
  'sidecar.istio.io/nativeSidecar': {
    good: 'false',
    effect: ({ container }) => container('istio-proxy')?.['restartPolicy'],
    value: undefined,
    bad: 'no',
  },
  'sidecar.istio.io/status': {
    good: '{"containers":["istio-proxy"]}',
    effect: ({ decision }) => decision.warnings,
    value: [expect.stringContaining('injected the pod before')],
  },
  'kubectl.kubernetes.io/default-container': {
    good: 'b',
    effect: annotation('kubectl.kubernetes.io/default-container'),
    value: 'b',
  },
  'kubectl.kubernetes.io/default-logs-container': {
    good: 'b',
    effect: annotation('kubectl.kubernetes.io/default-logs-container'),
    value: 'b',
  },
  'proxy.istio.io/config': {
    good: 'concurrency: 3',
    effect: variable('PROXY_CONFIG'),
    value: '{"concurrency":3}\n',
    bad: 'concurency: 3',
  },
  'proxy.istio.io/overrides': {
    good: '{"initContainers":[{"name":"istio-proxy","args":["x"]}]}',
    effect: args('istio-proxy'),
    value: 'x',
    bad: '[]',
  },
  'sidecar.istio.io/proxyImage': {
    good: 'host/x:1',
    effect: ({ container }) => [container('istio-init')?.['image'], container('istio-proxy')?.['image']],
    value: ['host/x:1', 'host/x:1'],
    bad: 'proxyv2',
  },
  'sidecar.istio.io/proxyImageType': {
    good: 'debug',
    effect: ({ container }) => container('istio-proxy')?.['image'],
    value: 'docker.io/istio/proxyv2:1.28.0-debug',
    bad: 'a b',
  },
  'sidecar.istio.io/logLevel': {
    good: 'debug',
    effect: args('istio-proxy'),
    value: init('--proxyLogLevel=debug'),
    bad: 'loud',
  },
  'sidecar.istio.io/componentLogLevel': {
    good: 'http:info',
    effect: args('istio-proxy'),
    value: init('--proxyComponentLogLevel=http:info'),
    bad: 'http',
  },
  'sidecar.istio.io/agentLogLevel': {
    good: 'all:debug',
    effect: args('istio-init'),
    value: init('--log_output_level=all:debug'),
    bad: 'all:loud',
  },
  'sidecar-injector.io/applicationDrainSeconds': {
    good: '7',
    bad: '-1',
    effect: ({ container }) => container('app')?.['lifecycle'],
    value: { preStop: { sleep: { seconds: 7 } } },
  },
  'sidecar.istio.io/rewriteAppHTTPProbers': { good: 'false', effect: probers, value: false, bad: 'maybe' },
  'status.sidecar.istio.io/port': { good: '123', effect: args('istio-init'), value: init(',123 '), bad: '65536' },
  'readiness.status.sidecar.istio.io/initialDelaySeconds': {
    good: '7',
    effect: probe,
    value: expect.objectContaining({ initialDelaySeconds: 7 }),
    bad: '-1',
  },
  'readiness.status.sidecar.istio.io/periodSeconds': {
    good: '7',
    effect: probe,
    value: expect.objectContaining({ periodSeconds: 7 }),
    bad: '0',
  },
  'readiness.status.sidecar.istio.io/failureThreshold': {
    good: '7',
    effect: probe,
    value: expect.objectContaining({ failureThreshold: 7 }),
    bad: 'x',
  },
  'sidecar.istio.io/proxyCPU': { good: '1', effect: resources, value: { requests: { cpu: '1' } }, bad: 'x' },
  'sidecar.istio.io/proxyMemory': { good: '1Gi', effect: resources, value: { requests: { memory: '1Gi' } }, bad: '-1' },
  'sidecar.istio.io/proxyCPULimit': { good: '1', effect: resources, value: { limits: { cpu: '1' } }, bad: '1 "' },
  'sidecar.istio.io/proxyMemoryLimit': { good: '1', effect: resources, value: { limits: { memory: '1' } }, bad: '' },
  'sidecar.istio.io/userVolume': {
    good: '{"own":{"hostPath":{"path":"/x"}}}',
    effect: ({ volume }) => volume('own'),
    value: { name: 'own', hostPath: { path: '/x' } },
    bad: '[]',
  },
  'sidecar.istio.io/userVolumeMount': {
    good: '{"own":{"mountPath":"/own"}}',
    effect: ({ mountPath }) => mountPath('own'),
    value: '/own',
    bad: '{"own":1}',
  },
  'sidecar.istio.io/bootstrapOverride': {
    good: 'mine',
    effect: ({ volume }) => volume('custom-bootstrap-volume'),
    value: { name: 'custom-bootstrap-volume', configMap: { name: 'mine' } },
    bad: 'No',
  },
  'sidecar.istio.io/capNetBindService': {
    good: 'true',
    effect: ({ container }) => container('istio-proxy')?.['securityContext'],
    value: expect.objectContaining({ runAsUser: 0 }),
    bad: 'TRUE',
  },
  'sidecar.istio.io/interceptionMode': {
    good: 'TPROXY',
    effect: args('istio-init'),
    value: init('-m TPROXY'),
    bad: 'x',
  },
  [`${traffic}/includeOutboundIPRanges`]: {
    good: '10.0.0.0/8',
    effect: args('istio-init'),
    value: init('-i 10.0.0.0/8 '),
    bad: '10.0.0.0',
  },
  [`${traffic}/excludeOutboundIPRanges`]: {
    good: '10.0.0.0/8',
    effect: args('istio-init'),
    value: init('-x 10.0.0.0/8 '),
    bad: '*',
  },
  [`${traffic}/includeOutboundPorts`]: { good: '1,2', effect: args('istio-init'), value: init('-q 1,2 '), bad: '1-2' },
  [`${traffic}/excludeOutboundPorts`]: { good: '1,2', effect: args('istio-init'), value: init('-o 1,2 '), bad: '*' },
  [`${traffic}/includeInboundPorts`]: {
    good: '1, 2',
    effect: args('istio-init'),
    value: init('-b 1,2 '),
    bad: '70000',
  },
  [`${traffic}/excludeInboundPorts`]: { good: '1,2', effect: args('istio-init'), value: init(',1,2,15020 '), bad: '*' },
  [`${traffic}/excludeInterfaces`]: { good: 'eth1', effect: args('istio-init'), value: init('-c eth1'), bad: 'a b' },
  [`${traffic}/kubevirtInterfaces`]: { good: 'net1', effect: args('istio-init'), value: init('-k net1'), bad: '-k' },
  'istio.io/reroute-virtual-interfaces': {
    good: 'net1',
    effect: args('istio-init'),
    value: init('-k net1'),
    bad: 'sixteen-letters-x',
  },
  'prometheus.istio.io/merge-metrics': {
    good: 'false',
    effect: annotation('prometheus.io/path'),
    value: undefined,
    bad: 'maybe',
  },
  'prometheus.io/scrape': { good: 'false', effect: annotation('prometheus.io/path'), value: undefined },
  'prometheus.io/port': {
    good: '8080',
    effect: scraped,
    value: expect.objectContaining({ port: '8080' }),
    bad: '15020x',
  },
  'prometheus.io/path': { good: '/m', effect: scraped, value: expect.objectContaining({ path: '/m' }) },
  'prometheus.istio.io/scrape-targets': {
    good: '9:/m',
    effect: scraped,
    value: expect.objectContaining({ targets: [{ port: '9', path: '/m' }] }),
    bad: '15021',
  },
  'prometheus.istio.io/secure-port': {
    good: '9',
    effect: annotation('prometheus.istio.io/secure-port'),
    value: '9',
    bad: '0',
    values: {},
  },
  'label service.istio.io/workload-name': { good: 'w', effect: variable('ISTIO_META_WORKLOAD_NAME'), value: 'w' },
  'label service.istio.io/canonical-name': {
    good: 'c',
    effect: label('service.istio.io/canonical-name'),
    value: 'c',
  },
  'label service.istio.io/canonical-revision': {
    good: 'v9',
    effect: label('service.istio.io/canonical-revision'),
    value: 'v9',
  },
  'label app.kubernetes.io/name': { good: 'n', effect: label('service.istio.io/canonical-name'), value: 'n' },
  'label app': { good: 'a', effect: label('service.istio.io/canonical-name'), value: 'a' },
  'label app.kubernetes.io/version': { good: 'v', effect: label('service.istio.io/canonical-revision'), value: 'v' },
  'label version': { good: 'v', effect: label('service.istio.io/canonical-revision'), value: 'v' },
  'label security.istio.io/tlsMode': {
    good: 'disabled',
    effect: label('security.istio.io/tlsMode'),
    value: 'disabled',
  },
  'label topology.istio.io/network': { good: 'n1', effect: variable('ISTIO_META_NETWORK'), value: 'n1' },
  'label networking.istio.io/tunnel': { good: 'x', effect: label('networking.istio.io/tunnel'), value: 'x' },
  'istio.io/rev': { good: 'old', effect: annotation('istio.io/rev'), value: 'default' },
  'apm.datadoghq.com/env': {
    good: '{"DD_ENV":"prod"}',
    effect: variable('DD_ENV'),
    value: 'prod',
    bad: '{"DD_ENV":1}',
    values: { global: { proxy: { tracer: 'datadog' } } },
  },
  'resource.opentelemetry.io/service.namespace': {
    good: 'n',
    effect: variable('OTEL_RESOURCE_ATTRIBUTES'),
    value: init('service.namespace=n,'),
    bad: 'a\nb',
  },
  'resource.opentelemetry.io/service.version': {
    good: '9',
    effect: variable('OTEL_RESOURCE_ATTRIBUTES'),
    value: init('service.version=9'),
    bad: 'a\nb',
  },
  'resource.opentelemetry.io/service.instance.id': {
    good: 'i',
    effect: variable('OTEL_RESOURCE_ATTRIBUTES'),
    value: init('service.instance.id=i'),
    bad: 'a\nb',
  },
  ...forTheAgent('sidecar.istio.io/discoveryAddress', 'istiod.x:15012', 'a\nb'),
  ...forTheAgent('sidecar.istio.io/statsInclusionPrefixes', 'http', 'a\nb'),
  ...forTheAgent('sidecar.istio.io/statsInclusionSuffixes', 'http', 'a\nb'),
  ...forTheAgent('sidecar.istio.io/statsInclusionRegexps', 'http.*', 'a\nb'),
  ...forTheAgent('sidecar.istio.io/extraStatTags', 'a,b', 'a\nb'),
  ...forTheAgent('sidecar.istio.io/statsHistogramBuckets', '{"a":[1]}', '[1]'),
  ...forTheAgent('sidecar.istio.io/statsHistogramBins', '100', '0'),
  ...forTheAgent('sidecar.istio.io/statsFlushInterval', '5s', '5'),
  ...forTheAgent('sidecar.istio.io/statsEvictionInterval', '10s', '48h'),
  ...forTheAgent('sidecar.istio.io/statsCompression', 'true', 'gzip?'),
};

const otel = {
  extensionProviders: [
    { name: 'otel', opentelemetry: { service: 'c', serviceAttributeEnrichment: 'OTEL_SEMANTIC_CONVENTIONS' } },
  ],
};
const app = { name: 'app', image: 'shop:1', readinessProbe: { httpGet: { port: 80 } } };

/** A pod that carries the value, and nothing else that a row reads. */
function carrying(key: string, value: string) {
  const name = key.replace(/^label /, '');
  const mine = { [name]: value };
  const maps = key === name ? { annotations: { a: 'b', ...mine } } : { annotations: { a: 'b' }, labels: mine };
  const volumes = name.endsWith('userVolumeMount') ? { volumes: [{ name: 'own', emptyDir: {} }] } : {};
  return istioPod(maps, { containers: [app], ...volumes });
}

function keyOf({ kind, name }: (typeof annotationTable)[number]): string {
  return kind === 'annotation' ? name : `${kind} ${name}`;
}

const rows = annotationTable.filter(({ kind }) => kind !== 'namespace label');
const effective = rows.filter(({ istiod }) => istiod?.support === 'supported').map(keyOf);

test('every row with effect beside an istiod has an example', () => {
  expect(Object.keys(examples).toSorted()).toEqual(effective.toSorted());
});

describe.each(Object.entries(examples))('%s', (key, { good, effect, value, bad, values = {} }) => {
  const snapshot = istiodSnapshot(values, { meshConfig: otel });

  test('a good value', () => {
    const plain = injectWithIstiod(istioPod({ annotations: { a: 'b' } }, { containers: [app] }), snapshot);
    const injected = injectWithIstiod(carrying(key, good), snapshot);
    expect(effect(injected)).toEqual(value);
    // What the injector writes whatever the pod has changes nothing; everything else does.
    if (key !== 'istio.io/rev') expect(effect(plain)).not.toEqual(value);
  });

  test('a bad value', () => {
    if (bad === undefined) return;
    const decision = decide({ pod: carrying(key, bad), namespace: 'demo' }, snapshot);
    expect(decision.outcome).toBe('deny');
    expect(decision.reasons[0].message).toContain(key.replace(/^label /, ''));
  });
});

test.each([
  ['traffic.sidecar.istio.io/includeOutboundIPRanges', 'includeIPRanges'],
  ['traffic.sidecar.istio.io/excludeOutboundIPRanges', 'excludeIPRanges'],
  ['traffic.sidecar.istio.io/includeInboundPorts', 'includeInboundPorts'],
  ['traffic.sidecar.istio.io/excludeInboundPorts', 'excludeInboundPorts'],
  ['traffic.sidecar.istio.io/includeOutboundPorts', 'includeOutboundPorts'],
  ['traffic.sidecar.istio.io/excludeOutboundPorts', 'excludeOutboundPorts'],
  ['status.sidecar.istio.io/port', 'statusPort'],
  ['sidecar.istio.io/logLevel', 'logLevel'],
  ['sidecar.istio.io/componentLogLevel', 'componentLogLevel'],
])('a bad value of %s: the denial names the value that counts without it', (key, value) => {
  const { reasons } = decide({ pod: carrying(key, 'no such value!'), namespace: 'demo' }, istiodSnapshot());
  expect(reasons[0].message).toMatch(new RegExp(`; without it the value global\\.proxy\\.${value} counts$`));
});

describe('rows without effect', () => {
  const snapshot = istiodSnapshot();
  const decided = (key: string): Decision => decide({ pod: carrying(key, 'x'), namespace: 'demo' }, snapshot);
  const plain = decide(
    { pod: istioPod({ annotations: { a: 'b' } }, { containers: [app] }), namespace: 'demo' },
    snapshot,
  );

  /** The patch but for the keys of a map that only one of the pods has. */
  const changes = ({ operations }: Decision) => operations.filter(({ path }) => path.startsWith('/spec'));

  test.each(rows.filter(({ istiod }) => istiod?.support === 'ignored').map(keyOf))(
    '%s: a warning, and the same containers and volumes',
    (key) => {
      const decision = decided(key);
      expect(changes(decision)).toEqual(changes(plain));
      expect(decision.warnings).toEqual([
        expect.stringContaining(`${JSON.stringify(key.replace(/^label /, ''))} has no effect in the mode istiod: `),
      ]);
    },
  );

  test.each(rows.filter(({ istiod }) => istiod === undefined).map(keyOf))('%s: no word of it', (key) => {
    const decision = decided(key);
    expect([changes(decision), decision.warnings]).toEqual([changes(plain), []]);
  });

  test('a list of pages that is not in order', () => {
    const pod = carrying('prometheus.istio.io/scrape-targets', '80,:/a');
    expect(decide({ pod, namespace: 'demo' }, snapshot).warnings).toEqual([
      expect.stringContaining('prometheus.istio.io/scrape-targets has no effect: an entry has no port'),
    ]);
  });

  test.each<[string, Record<string, string>, string]>([
    [
      'a deprecated name',
      { 'traffic.sidecar.istio.io/kubevirtInterfaces': 'tap0' },
      'kubevirtInterfaces" is deprecated; use the annotation istio.io/reroute-virtual-interfaces',
    ],
    [
      'an exclusion beside a list',
      { 'traffic.sidecar.istio.io/includeInboundPorts': '80', 'traffic.sidecar.istio.io/excludeInboundPorts': '9000' },
      'excludeInboundPorts" has no effect: exactly the ports that includeInboundPorts lists are captured',
    ],
  ])('%s: a warning', (_what, annotations, warning) => {
    const pod = istioPod({ annotations }, { containers: [app] });
    expect(decide({ pod, namespace: 'demo' }, snapshot).warnings).toEqual([expect.stringContaining(warning)]);
  });

  test('a probe of another host, which Istio rewrites all the same', () => {
    const readinessProbe = { httpGet: { port: 80, host: '10.0.0.1' } };
    const pod = istioPod({}, { containers: [{ ...app, readinessProbe }] });
    expect(decide({ pod, namespace: 'demo' }, snapshot).warnings).toEqual([
      'sidecar-injector: container "app": readinessProbe asks host "10.0.0.1" and not the pod, now for the agent’s path',
    ]);
  });

  test('names that every object has are no rows', () => {
    const labels = Object.fromEntries([['constructor', 'x']]);
    expect(decide({ pod: istioPod({ labels }), namespace: 'demo' }, snapshot).warnings).toEqual([]);
  });
});
