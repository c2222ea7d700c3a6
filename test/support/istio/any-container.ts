import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/json/json.ts';

/** An object with some of the keys; each value comes from its arbitrary. */
export function someOf(entries: Readonly<Record<string, fc.Arbitrary<Json>>>): fc.Arbitrary<JsonObject> {
  return fc.record(entries, { requiredKeys: [] });
}

/** The value now and then, and otherwise nothing. */
export function rarely<T>(value: fc.Arbitrary<T>, depth = 4): fc.Arbitrary<T | undefined> {
  return fc.option(value, { freq: depth, nil: undefined }).chain((made) => fc.constantFrom(undefined, made));
}

const anyPort = fc.constantFrom<Json>(8080, 80, 'http', 'admin', 'missing', 15_020);

const httpGet = fc.tuple(
  fc.constantFrom('/ready', '/a?b=c', ''),
  anyPort,
  someOf({
    host: fc.constant('example.com'),
    scheme: fc.constantFrom('HTTP', 'HTTPS'),
    httpHeaders: fc.constant([{ name: 'X-Test', value: 'a' }]),
  }),
);

const anyHttpGet: fc.Arbitrary<JsonObject> = httpGet.map(([path, port, more]) => ({
  httpGet: { ...(path === '' ? {} : { path }), port, ...more },
}));

const exec: fc.Arbitrary<JsonObject> = fc.constant({ exec: { command: ['true'] } });
const tcpSocket: fc.Arbitrary<JsonObject> = anyPort.map((port) => ({ tcpSocket: { port } }));
const grpc: fc.Arbitrary<JsonObject> = fc.constantFrom<JsonObject>(
  { grpc: { port: 9000 } },
  { grpc: { port: 9000, service: 'health' } },
);

const anyProbe = fc
  .tuple(
    fc.oneof(anyHttpGet, tcpSocket, grpc, exec),
    someOf({
      initialDelaySeconds: fc.constantFrom(0, 5),
      timeoutSeconds: fc.constantFrom(1, 7),
      periodSeconds: fc.constant(3),
      failureThreshold: fc.constant(2),
    }),
  )
  .map(([action, numbers]): JsonObject => ({ ...action, ...numbers }));

const anyHook = fc.oneof(anyHttpGet, tcpSocket, exec, fc.constant<JsonObject>({ sleep: { seconds: 3 } }));

const anyId = fc.constantFrom(0, 7, 1000, 1337, 1_000_620_005);

const anySecurity = someOf({
  runAsUser: anyId,
  runAsGroup: anyId,
  runAsNonRoot: fc.boolean(),
  privileged: fc.boolean(),
  allowPrivilegeEscalation: fc.boolean(),
  readOnlyRootFilesystem: fc.boolean(),
  capabilities: fc.constantFrom<Json>({ add: ['SYS_PTRACE'] }, { drop: ['ALL'] }, { add: ['NET_ADMIN'], drop: [] }),
  seccompProfile: fc.constant({ type: 'RuntimeDefault' }),
});

const anyResources = someOf({
  requests: someOf({ cpu: fc.constantFrom('10m', '1'), memory: fc.constant('32Mi') }),
  limits: someOf({
    cpu: fc.constantFrom('3', '500m'),
    memory: fc.constant('2Gi'),
    'example.com/gpu': fc.constant('1'),
  }),
});

const anyPorts = fc.uniqueArray(
  fc.constantFrom<JsonObject>(
    { containerPort: 8080, name: 'http' },
    { containerPort: 80 },
    { containerPort: 8443, protocol: 'TCP', name: 'admin' },
    { containerPort: 53, protocol: 'UDP', hostPort: 5353, hostIP: '127.0.0.1' },
    { containerPort: 15_090, name: 'mine' },
  ),
  { maxLength: 3, selector: (port) => port['containerPort'] },
);

const anyEnv = fc.uniqueArray(
  fc.constantFrom<JsonObject>(
    { name: 'A', value: '1' },
    { name: 'B', value: '$(A)' },
    { name: 'EMPTY', value: '' },
    { name: 'POD_NAME', value: 'mine' },
    { name: 'ISTIO_META_CLUSTER_ID', value: 'mine' },
    { name: 'ISTIO_META_NETWORK', value: 'mine' },
    { name: 'PROXY_CONFIG', value: '{}' },
    { name: 'ENVOY_SECURE_MERGED_METRICS_PORT', value: '15091' },
    { name: 'ISTIO_KUBE_APP_PROBERS', value: '{}' },
    { name: 'INSTANCE_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
    { name: 'GRPC_XDS_BOOTSTRAP', value: '/tmp/x.json' },
    { name: 'TRUST_DOMAIN', value: 'own' },
  ),
  { maxLength: 4, selector: (entry) => entry['name'] },
);

const anyMounts = fc.uniqueArray(
  fc.constantFrom<JsonObject>(
    { name: 'data', mountPath: '/data' },
    { name: 'data', mountPath: '/data2', readOnly: true, subPath: 'a' },
    { name: 'config', mountPath: '/etc/istio/pod' },
    { name: 'istio-envoy', mountPath: '/etc/istio/proxy' },
    { name: 'config', mountPath: '/var/run/secrets/tokens' },
    { name: 'data', mountPath: '/var/lib/grpc/data/' },
  ),
  { maxLength: 3, selector: (mount) => mount['mountPath'] },
);

const parts: Readonly<Record<string, fc.Arbitrary<Json>>> = {
  args: fc.constantFrom<Json>(['run'], ['proxy', 'sidecar', '--x'], []),
  command: fc.constantFrom<Json>(['sh', '-c', 'true'], ['run']),
  env: anyEnv,
  ports: anyPorts,
  volumeMounts: anyMounts,
  resources: anyResources,
  securityContext: anySecurity,
  livenessProbe: anyProbe,
  readinessProbe: anyProbe,
  startupProbe: anyProbe,
  lifecycle: someOf({ postStart: anyHook, preStop: anyHook }),
  imagePullPolicy: fc.constantFrom('Always', 'IfNotPresent'),
  workingDir: fc.constant('/tmp'),
  terminationMessagePath: fc.constant('/dev/x'),
};

/** Parts of a container, each now and then. */
const someParts: fc.Arbitrary<JsonObject> = fc
  .tuple(someOf(parts), fc.uniqueArray(fc.constantFrom(...Object.keys(parts)), { maxLength: 9 }))
  .map(([all, without]) => Object.fromEntries(Object.entries(all).filter(([key]) => !without.includes(key))));

const anyImage = fc.constantFrom(
  'shop:1',
  'r.example:5000/shop',
  `shop@sha256:${'a1'.repeat(32)}`,
  `r.example/a/shop:1.2@sha256:${'b2'.repeat(32)}`,
);

/** A container of the application. */
export function anyContainer(name: string): fc.Arbitrary<JsonObject> {
  return fc.tuple(anyImage, someParts).map(([image, more]) => ({ name, image, ...more }));
}

/** Keys that chart templates leave empty. */
const emptied = fc.uniqueArray(
  fc.constantFrom(
    'resources',
    'securityContext',
    'startupProbe',
    'readinessProbe',
    'lifecycle',
    'env',
    'args',
    'ports',
  ),
  { maxLength: 2 },
);

/** The pod's own copy of an injected container. With `nulls`, keys may be empty as in hand-written manifests. */
export function anyCopy(name: string, nulls: boolean): fc.Arbitrary<JsonObject> {
  const image = fc.constantFrom<JsonObject>({ image: 'auto' }, { image: 'auto' }, {}, { image: 'r.example/own:1' });
  return fc
    .tuple(image, someParts, nulls ? emptied : fc.constant([]))
    .map(([own, more, empty]) => ({ name, ...own, ...more, ...Object.fromEntries(empty.map((key) => [key, null])) }));
}
