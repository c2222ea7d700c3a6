import type { JsonObject } from '../../src/json/json.ts';

const tokenVolume = 'kube-api-access-x7k2p';
const tokenMount = {
  name: tokenVolume,
  readOnly: true,
  mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
};
const token = {
  name: tokenVolume,
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ],
    defaultMode: 420,
  },
};

/** What the API server fills into every container. */
const containerDefaults = {
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'IfNotPresent',
};

/** What the API server fills into every pod. */
const podDefaults = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  schedulerName: 'default-scheduler',
  tolerations: [
    { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
  ],
  priority: 0,
  enableServiceLinks: true,
  preemptionPolicy: 'PreemptLowerPriority',
};

function httpProbe(path: string, periodSeconds: number): JsonObject {
  const httpGet = { path, port: 'http', scheme: 'HTTP' };
  return { httpGet, timeoutSeconds: 2, periodSeconds, successThreshold: 1, failureThreshold: 3 };
}

function metadataOf(name: string, labels: JsonObject, annotations: JsonObject | undefined): JsonObject {
  const hash = '6c9f8d7b54';
  return {
    generateName: `${name}-${hash}-`,
    namespace: 'shop',
    labels: { ...labels, 'pod-template-hash': hash },
    ...(annotations === undefined ? {} : { annotations }),
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'ReplicaSet',
        name: `${name}-${hash}`,
        uid: '00000000-0000-4000-8000-000000000001',
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  };
}

/** A web server as a tutorial writes it. */
export function smallPod(name: string): JsonObject {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: metadataOf(name, { app: name, version: 'v1' }, undefined),
    spec: {
      volumes: [token],
      containers: [
        {
          name: 'httpd',
          image: 'httpd:2.4',
          ports: [{ name: 'http', containerPort: 80, protocol: 'TCP' }],
          resources: { limits: { cpu: '100m', memory: '128Mi' }, requests: { cpu: '50m', memory: '64Mi' } },
          volumeMounts: [tokenMount],
          readinessProbe: httpProbe('/', 5),
          ...containerDefaults,
        },
      ],
      serviceAccountName: 'default',
      serviceAccount: 'default',
      securityContext: {},
      ...podDefaults,
    },
  };
}

function fromSecret(name: string, key: string): JsonObject {
  return { name, valueFrom: { secretKeyRef: { name: 'checkout-database', key } } };
}

function fromField(name: string, fieldPath: string): JsonObject {
  return { name, valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } } };
}

const applicationVariables: readonly JsonObject[] = [
  { name: 'PORT', value: '8080' },
  { name: 'LOG_LEVEL', value: 'info' },
  { name: 'CART_ADDRESS', value: 'cart.shop.svc.cluster.local:7070' },
  { name: 'PAYMENT_ADDRESS', value: 'payment.shop.svc.cluster.local:50051' },
  { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://collector.observability.svc.cluster.local:4317' },
  { name: 'JAVA_TOOL_OPTIONS', value: '-XX:MaxRAMPercentage=75 -XX:+ExitOnOutOfMemoryError' },
  fromSecret('DATABASE_USER', 'username'),
  fromSecret('DATABASE_PASSWORD', 'password'),
  fromField('POD_IP', 'status.podIP'),
];

const restricted = {
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
};

const application = {
  name: 'checkout',
  image: 'registry.example.com/shop/checkout:2.14.3',
  ports: [
    { name: 'http', containerPort: 8080, protocol: 'TCP' },
    { name: 'grpc', containerPort: 9000, protocol: 'TCP' },
  ],
  resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '250m', memory: '512Mi' } },
  volumeMounts: [
    { name: 'settings', mountPath: '/etc/checkout', readOnly: true },
    { name: 'tmp', mountPath: '/tmp' },
    tokenMount,
  ],
  livenessProbe: httpProbe('/healthz', 10),
  readinessProbe: httpProbe('/readyz', 5),
  startupProbe: httpProbe('/healthz', 2),
  securityContext: restricted,
  ...containerDefaults,
};

const exporter = {
  name: 'exporter',
  image: 'registry.example.com/tools/statsd-exporter:0.28.0',
  args: ['--statsd.listen-udp=:9125', '--web.listen-address=:9102'],
  ports: [{ name: 'metrics', containerPort: 9102, protocol: 'TCP' }],
  resources: { limits: { memory: '64Mi' }, requests: { cpu: '10m', memory: '32Mi' } },
  volumeMounts: [tokenMount],
  livenessProbe: {
    tcpSocket: { port: 'metrics' },
    timeoutSeconds: 1,
    periodSeconds: 20,
    successThreshold: 1,
    failureThreshold: 3,
  },
  securityContext: restricted,
  ...containerDefaults,
};

const migration = {
  name: 'migrate',
  image: 'registry.example.com/shop/checkout:2.14.3',
  command: ['/app/migrate', '--wait=60s'],
  env: [fromSecret('DATABASE_USER', 'username'), fromSecret('DATABASE_PASSWORD', 'password')],
  resources: { limits: { memory: '256Mi' }, requests: { cpu: '50m', memory: '128Mi' } },
  volumeMounts: [{ name: 'settings', mountPath: '/etc/checkout', readOnly: true }, tokenMount],
  securityContext: restricted,
  ...containerDefaults,
};

function typicalPodWith(name: string, variables: readonly JsonObject[]): JsonObject {
  const labels = {
    app: name,
    version: 'v2',
    'app.kubernetes.io/name': name,
    'app.kubernetes.io/part-of': 'shop',
    'app.kubernetes.io/managed-by': 'Helm',
    team: 'payments',
  };
  const annotations = {
    'checksum/settings': '8c3f1f8b8a0d5f9f0f7d0a5b9c1e2d3f4a5b6c7d8e9f0a1b2c3d4e5f60718293',
    'prometheus.io/scrape': 'true',
    'prometheus.io/port': '9102',
    'kubectl.kubernetes.io/restartedAt': '2026-03-02T09:30:00Z',
  };
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: metadataOf(name, labels, annotations),
    spec: {
      volumes: [
        { name: 'settings', configMap: { name: 'checkout-settings', defaultMode: 420 } },
        { name: 'tmp', emptyDir: { sizeLimit: '128Mi' } },
        token,
      ],
      initContainers: [migration],
      containers: [{ ...application, env: variables }, exporter],
      serviceAccountName: 'checkout',
      serviceAccount: 'checkout',
      securityContext: { runAsUser: 10_001, fsGroup: 10_001, seccompProfile: { type: 'RuntimeDefault' } },
      imagePullSecrets: [{ name: 'registry' }],
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'topology.kubernetes.io/zone',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: { app: name } },
        },
      ],
      ...podDefaults,
    },
  };
}

/** A service of a web shop as a Helm chart deploys it. */
export function typicalPod(name: string): JsonObject {
  return typicalPodWith(name, applicationVariables);
}

/** The typical pod with more variables. */
export function manyVariables(name: string, count: number): JsonObject {
  const more = Array.from({ length: count }, (_, index) => ({
    name: `FEATURE_FLAG_${String(index).padStart(5, '0')}`,
    value: `value-${index}`,
  }));
  return typicalPodWith(name, [...applicationVariables, ...more]);
}
