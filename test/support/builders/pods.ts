import * as fc from 'fast-check';
import type { Json, JsonObject } from '../../../src/json/json.ts';

/** Keys that break careless code: prototype names, pointer escapes, emoji, blanks. */
const oddKey = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'a/b',
    'a~b',
    '~0',
    '~1',
    '',
    '😀',
    'é',
    ' ',
  ),
  fc.string({ maxLength: 12 }),
);

/** An object whose keys may be `__proto__`, as JSON.parse would make it. */
export function jsonRecord(value: fc.Arbitrary<Json>, maxKeys = 4): fc.Arbitrary<JsonObject> {
  return fc
    .uniqueArray(fc.tuple(oddKey, value), { maxLength: maxKeys, selector: ([key]) => key })
    .map((entries) => Object.fromEntries(entries));
}

const scalar: fc.Arbitrary<Json> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
  fc.string(),
);

export const anyJson: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, scalar, fc.array(tie('value'), { maxLength: 3 }), jsonRecord(tie('value'), 3)),
})).value;

/** Absent, null, empty or filled: the four states in which a list or map reaches us. */
export function optional(filled: fc.Arbitrary<Json>, empty: Json): fc.Arbitrary<Json | undefined> {
  return fc.oneof(fc.constant(undefined), fc.constant(null), fc.constant(empty), filled);
}

const port = fc.oneof(fc.integer({ min: 1, max: 14_999 }), fc.constantFrom('http', 'nowhere', '8080'));

const action = fc.oneof(
  fc.record({ httpGet: fc.record({ port, path: fc.constantFrom('/ready', '/r?x=$(HOME)', 'bare', '/é') }) }),
  fc.record({
    httpGet: fc.record({ port, scheme: fc.constantFrom('HTTP', 'HTTPS'), host: fc.constantFrom('', '10.0.0.1') }),
  }),
  fc.record({ httpGet: fc.record({ port, httpHeaders: fc.constant([{ name: 'Host', value: 'x' }]) }) }),
  fc.record({ tcpSocket: fc.record({ port }) }),
  fc.record({ grpc: fc.record({ port: fc.integer({ min: 1, max: 14_999 }), service: fc.constantFrom('', 'a.b') }) }),
  fc.record({ exec: fc.record({ command: fc.constant(['true']) }) }),
);

const probe = fc
  .tuple(
    action,
    fc.record(
      { periodSeconds: fc.integer({ min: 1, max: 30 }), timeoutSeconds: fc.integer({ min: 1, max: 9 }) },
      { requiredKeys: [] },
    ),
  )
  .map(([handler, timing]) => ({ ...handler, ...timing }));

function withUnknown(known: Readonly<Record<string, fc.Arbitrary<Json | undefined>>>): fc.Arbitrary<JsonObject> {
  return fc.tuple(fc.record(known), jsonRecord(anyJson, 2)).map(([fields, unknown]) => {
    const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
    const odd = Object.entries(unknown).filter(([key]) => !Object.hasOwn(known, key));
    // JSON.parse gives own keys only, `__proto__` included; Object.fromEntries does the same.
    return Object.fromEntries([...kept, ...odd]);
  });
}

/** Of the volume `data`, which the pod may lack: that is the API server's to refuse. */
const mounts = [[{ name: 'data', mountPath: '/data' }], [{ name: 'data', mountPath: '/data/', subPath: 'x' }]] as const;

function container(name: string): fc.Arbitrary<JsonObject> {
  return withUnknown({
    name: fc.constant(name),
    image: fc.constantFrom('app:1', 'registry.example.com/app@sha256:abc'),
    ports: optional(fc.constant([{ name: 'http', containerPort: 8080 }] as Json), []),
    readinessProbe: fc.option(probe, { nil: undefined }),
    livenessProbe: fc.option(probe, { nil: undefined }),
    startupProbe: fc.option(probe, { nil: undefined }),
    lifecycle: fc.oneof(
      fc.constant(undefined),
      fc.constant(null),
      fc.record({ preStop: fc.oneof(action, fc.constant(null)), postStart: action }, { requiredKeys: [] }),
    ),
    env: optional(fc.constant([{ name: '__proto__', value: '{{ x }}' }] as Json), []),
    volumeMounts: optional(fc.constantFrom<Json>(...mounts), []),
    securityContext: optional(fc.constant({ runAsUser: 1000 }), {}),
  });
}

function containers(prefix: string, least: number): fc.Arbitrary<JsonObject[]> {
  return fc
    .integer({ min: least, max: 3 })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => container(`${prefix}-${index}`))));
}

const labels = jsonRecord(fc.string({ maxLength: 10 }));

/** Annotations that an injection must survive; ours with good values among them. */
const annotations = fc
  .tuple(
    jsonRecord(fc.string({ maxLength: 20 })),
    fc.record(
      {
        'sidecar.istio.io/proxyCPU': fc.constantFrom('10m', '1'),
        'traffic.sidecar.istio.io/excludeInboundPorts': fc.constantFrom('', '8080', '1-14999'),
        'traffic.sidecar.istio.io/includeInboundPorts': fc.constantFrom('*', '', '80'),
        'sidecar.istio.io/interceptionMode': fc.constantFrom('REDIRECT', 'NONE'),
        'sidecar.istio.io/nativeSidecar': fc.constantFrom('true', 'false'),
        'sidecar.istio.io/rewriteAppHTTPProbers': fc.constantFrom('true', 'false'),
        'sidecar-injector.io/applicationDrainSeconds': fc.constantFrom('0', '5', '30'),
        'prometheus.istio.io/merge-metrics': fc.constantFrom('true', 'false'),
        'prometheus.istio.io/scrape-targets': fc.constantFrom('', '9100:/m,9101'),
        'prometheus.io/scrape': fc.constantFrom('true', 'false'),
        'prometheus.io.port': fc.constantFrom('8080', '80'),
        'prometheus.io/path': fc.constantFrom('', '/m?x=$(HOME)'),
        'status.sidecar.istio.io/port': fc.constantFrom('0', '15020', '16000'),
        'kubectl.kubernetes.io/default-container': fc.constant('app-0'),
      },
      { requiredKeys: [] },
    ),
  )
  .map(([odd, ours]) => Object.fromEntries([...Object.entries(odd), ...Object.entries(ours)]));

/** A pod that the policy injects, with unknown fields everywhere. */
export const anyPod: fc.Arbitrary<JsonObject> = withUnknown({
  apiVersion: fc.constant('v1'),
  kind: fc.constant('Pod'),
  metadata: optional(
    withUnknown({
      name: fc.option(fc.constantFrom('web-0', 'x'), { nil: undefined }),
      labels: optional(labels, {}),
      annotations: optional(annotations, {}),
    }),
    {},
  ),
  spec: withUnknown({
    containers: containers('app', 1),
    initContainers: optional(containers('init', 1), []),
    volumes: optional(fc.constant([{ name: 'data', emptyDir: {} }] as Json), []),
    imagePullSecrets: optional(fc.constant([{ name: 'mine' }] as Json), []),
    restartPolicy: fc.constantFrom('Always', 'Never'),
    terminationGracePeriodSeconds: fc.constantFrom(undefined, 0, 1, 30),
  }),
});
