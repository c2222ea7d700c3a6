import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/json/json.ts';

function optional<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined, freq: 2 });
}

/** A record whose undefined members are absent. */
function fields(of: Readonly<Record<string, fc.Arbitrary<Json | undefined>>>): fc.Arbitrary<JsonObject> {
  return fc
    .record(of)
    .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)));
}

const portNumber = fc.constantFrom(15_090, 15_090, 15_001, 15_020, 15_021, 8080, 9090, 9091);

const ports = fc.uniqueArray(
  fields({
    containerPort: portNumber,
    protocol: optional(fc.constantFrom('TCP', 'UDP', 'SCTP')),
    name: optional(fc.constantFrom('http-envoy-prom', 'metrics', 'http')),
  }),
  { maxLength: 4, selector: (port) => port['name'] ?? JSON.stringify(port) },
);

const action = fc.oneof(
  fields({
    httpGet: fields({
      port: portNumber,
      path: optional(fc.constantFrom('/', '/ready')),
      host: optional(fc.constant('127.0.0.1')),
      scheme: optional(fc.constantFrom('HTTP', 'HTTPS')),
    }),
  }),
  fields({ exec: fc.constant({ command: ['true'] }) }),
  fields({ tcpSocket: fields({ port: portNumber }) }),
  fields({ grpc: fields({ port: portNumber, service: optional(fc.constant('x')) }) }),
);

const timing = fields({
  initialDelaySeconds: optional(fc.integer({ min: 0, max: 5 })),
  periodSeconds: optional(fc.integer({ min: 1, max: 5 })),
  timeoutSeconds: optional(fc.integer({ min: 1, max: 5 })),
  failureThreshold: optional(fc.integer({ min: 1, max: 5 })),
});

const probe = fc.tuple(action, timing).map(([how, when]): JsonObject => ({ ...how, ...when }));

const hook = fc.oneof(
  action.filter((how) => !('grpc' in how)),
  fields({ sleep: fields({ seconds: fc.integer({ min: 1, max: 20 }) }) }),
);

const variable = fc.oneof(
  fields({ value: fc.constantFrom('', 'x', '$(POD_NAME)') }),
  fields({
    valueFrom: fc.constantFrom<JsonObject>(
      { fieldRef: { fieldPath: 'metadata.uid' } },
      { fieldRef: { apiVersion: 'v1', fieldPath: 'status.hostIP' } },
      { resourceFieldRef: { resource: 'limits.cpu' } },
      { configMapKeyRef: { name: 'c', key: 'k', optional: true } },
      { secretKeyRef: { name: 's', key: 'k' } },
    ),
  }),
);

const environment = fc.array(
  fc
    .tuple(fc.constantFrom('POD_NAME', 'POD_IP', 'POD_NAMESPACE', 'MORE', 'TZ'), variable)
    .map(([name, value]): JsonObject => ({ name, ...value })),
  { maxLength: 4 },
);

/** Quantities as their authors write them; requests and limits are drawn apart, so that some exceed the others. */
const quantities: Readonly<Record<string, fc.Arbitrary<Json | undefined>>> = {
  cpu: optional(fc.constantFrom<Json>('1m', '100m', '0.5', '1', 2, '3')),
  memory: optional(fc.constantFrom<Json>('1Mi', '64Mi', '128Mi', '1Gi', '4Gi')),
  'ephemeral-storage': optional(fc.constantFrom<Json>('1Mi', '1Gi')),
};

/** Resources of which as many are requested as there are at most. */
const whole = fc.option(
  fc.constantFrom<JsonObject>({ 'example.com/x': '1' }, { 'hugepages-2Mi': '2Mi' }, { 'hugepages-2Mi': '4Mi' }),
  { nil: {}, freq: 4 },
);

const resources = fc
  .tuple(optional(fields(quantities)), optional(fields(quantities)), whole)
  .map(([requests, limits, both]): JsonObject => {
    const isBoth = Object.keys(both).length > 0;
    return {
      ...(requests === undefined && !isBoth ? {} : { requests: { ...requests, ...both } }),
      ...(limits === undefined && !isBoth ? {} : { limits: { ...limits, ...both } }),
    };
  });

const mounts = fc.uniqueArray(
  fields({
    name: fc.constantFrom('data', 'more', 'data', 'more', 'istio-logs', 'istio-data'),
    mountPath: fc.constantFrom('/data', '/var/log/istio', '/etc/istio/pod', '/x'),
    readOnly: optional(fc.boolean()),
    subPath: optional(fc.constant('s')),
  }),
  { maxLength: 3, selector: (mount) => mount['mountPath'] },
);

/** Volumes of a pod besides those that are there always; some have the names of injected ones. */
const volumes = fc.uniqueArray(
  fc
    .tuple(
      fc.constantFrom('istio-logs', 'istio-podinfo', 'istio-token-mask', 'istio-data', 'istio-envoy', 'extra'),
      fc.constantFrom<JsonObject>(
        { emptyDir: {} },
        { emptyDir: { medium: 'Memory', sizeLimit: '64Ki' } },
        { configMap: { name: 'c', optional: true } },
        { secret: { secretName: 's', optional: true } },
        { hostPath: { path: '/tmp' } },
      ),
    )
    .map(([name, source]): JsonObject => ({ name, ...source })),
  { maxLength: 2, selector: (volume) => volume['name'] },
);

const security = fields({
  runAsUser: optional(fc.constantFrom(0, 1000, 1337, 4000)),
  runAsGroup: optional(fc.constantFrom(1000, 1337)),
  runAsNonRoot: optional(fc.boolean()),
  privileged: optional(fc.boolean()),
  allowPrivilegeEscalation: optional(fc.boolean()),
  readOnlyRootFilesystem: optional(fc.boolean()),
  capabilities: optional(
    fc.constantFrom<JsonObject>({ drop: ['ALL'] }, { drop: ['KILL'] }, { add: ['NET_ADMIN'], drop: ['ALL'] }),
  ),
  seccompProfile: optional(
    fc.constantFrom<JsonObject>({ type: 'RuntimeDefault' }, { type: 'Localhost', localhostProfile: 'x' }),
  ),
});

const harmlessSecurity = fields({
  runAsUser: optional(fc.constantFrom(1000, 1337, 4000)),
  allowPrivilegeEscalation: optional(fc.constant(false)),
  runAsNonRoot: optional(fc.constant(true)),
  capabilities: optional(fc.constant<JsonObject>({ drop: ['ALL'] })),
});

/** A copy of the proxy; most say nothing that is refused for itself, so that what they say is merged. */
const proxyCopy = fields({
  name: fc.constant('istio-proxy'),
  image: fc.constant('auto'),
  env: optional(environment),
  ports: optional(ports),
  resources: optional(resources),
  readinessProbe: optional(probe),
  livenessProbe: optional(probe),
  startupProbe: optional(probe),
  lifecycle: optional(fields({ preStop: optional(hook), postStart: optional(hook) })),
  volumeMounts: optional(mounts),
  securityContext: fc.oneof(fc.constant(undefined), harmlessSecurity, harmlessSecurity, security),
  tty: optional(fc.boolean()),
  terminationMessagePolicy: optional(fc.constantFrom('File', 'FallbackToLogsOnError')),
  imagePullPolicy: optional(fc.constantFrom('Always', 'IfNotPresent')),
});

const initCopy = fields({
  name: fc.constant('istio-init'),
  image: fc.constant('auto'),
  resources: optional(resources),
  ports: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: ports }),
  securityContext: fc.oneof(fc.constant(undefined), harmlessSecurity),
});

const application = fields({
  name: fc.constant('app'),
  image: fc.constant('registry.example/app:1'),
  ports: optional(ports),
  resources: optional(resources),
  readinessProbe: optional(probe),
  securityContext: optional(fields({ runAsUser: fc.constantFrom(1000, 4000) })),
});

const podResources = optional(
  fields({
    requests: optional(
      fields({ cpu: optional(fc.constantFrom<Json>('1', '4')), memory: optional(fc.constant('4Gi')) }),
    ),
    limits: optional(
      fields({ cpu: optional(fc.constantFrom<Json>('1', '4', '6')), memory: optional(fc.constantFrom('1Gi', '8Gi')) }),
    ),
  }),
);

const annotations = fields({
  'sidecar.istio.io/nativeSidecar': optional(fc.constantFrom('true', 'false')),
  'sidecar.istio.io/proxyCPU': optional(fc.constantFrom('10m', '3')),
  'sidecar.istio.io/proxyMemoryLimit': optional(fc.constantFrom('64Mi', '2Gi')),
  'sidecar.istio.io/rewriteAppHTTPProbers': optional(fc.constantFrom('true', 'false')),
});

/** In which list a copy of the proxy stands, and how. */
const place = fc.constantFrom('containers', 'initContainers', 'native');

/** Pods with own copies of the injected containers, whatever these say. Many are valid, if not all. */
export const podWithCopies: fc.Arbitrary<JsonObject> = fc
  .record({
    app: application,
    proxy: optional(proxyCopy),
    init: optional(initCopy),
    at: place,
    prepare: optional(fields({ resources: optional(resources) })),
    resources: podResources,
    annotations,
    volumes: fc.oneof({ weight: 3, arbitrary: fc.constant<JsonObject[]>([]) }, { weight: 1, arbitrary: volumes }),
    more: fields({
      restartPolicy: optional(fc.constantFrom('Always', 'Never', 'OnFailure')),
      terminationGracePeriodSeconds: optional(fc.constantFrom(20, 60)),
      shareProcessNamespace: optional(fc.boolean()),
    }),
  })
  .map(({ app, proxy, init, at, prepare, resources: ofPod, annotations: asked, volumes: own, more }) => {
    const withoutHandlers = (container: JsonObject): JsonObject =>
      Object.fromEntries(
        Object.entries(container).filter(([field]) => !field.endsWith('Probe') && field !== 'lifecycle'),
      );
    const proxies = proxy === undefined ? [] : [proxy];
    const early = proxies.map((one) => (at === 'native' ? { ...one, restartPolicy: 'Always' } : withoutHandlers(one)));
    const initContainers = [
      ...(init === undefined ? [] : [init]),
      ...(at === 'containers' ? [] : early),
      ...(prepare === undefined ? [] : [{ name: 'prepare', image: 'registry.example/prepare:1', ...prepare }]),
    ];
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'copies', annotations: asked },
      spec: {
        containers: [app, ...(at === 'containers' ? proxies : [])],
        ...(initContainers.length === 0 ? {} : { initContainers }),
        volumes: [{ name: 'data', emptyDir: {} }, { name: 'more', configMap: { name: 'c', optional: true } }, ...own],
        ...(ofPod === undefined ? {} : { resources: ofPod }),
        ...more,
      },
    };
  });
