import * as z from 'zod';
import {
  cidrList,
  cidrListOrAll,
  componentLogLevel,
  imageReference,
  interfaceList,
  logLevel,
  portList,
  portListOrAll,
  quantity,
  type Grammar,
} from './grammar.ts';
import { ports, reservedPorts } from './constants.ts';

/** A string that one of the annotation grammars accepts; it stays text here and is parsed once per snapshot. */
function written<T>(grammar: Grammar<T>) {
  return z.string().superRefine((text, context) => {
    const parsed = grammar.parse(text);
    if ('problem' in parsed) context.addIssue({ code: 'custom', message: parsed.problem });
  });
}

/** Kubernetes quantities may be written as numbers in YAML (`cpu: 2`). */
const amount = z.union([z.string(), z.number()]).transform(String).pipe(written(quantity));

const resourceList = z.strictObject({
  cpu: amount.optional(),
  memory: amount.optional(),
  'ephemeral-storage': amount.optional(),
});

const resources = z.strictObject({ requests: resourceList.prefault({}), limits: resourceList.prefault({}) });

const labelSelector = z.strictObject({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: z.string().min(1),
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
});

const namespacePattern = z
  .string()
  .regex(/^[a-z0-9*](?:[a-z0-9*-]{0,61}[a-z0-9*])?$/, 'allowed: a namespace name, with * for any characters');

const pullPolicy = z.enum(['Always', 'IfNotPresent', 'Never']);
const seconds = z.number().int().min(0).max(86_400);

const readiness = z.strictObject({
  initialDelaySeconds: seconds.default(0),
  periodSeconds: seconds.min(1).default(15),
  failureThreshold: z.number().int().min(1).max(10_000).default(4),
});

const injection = z.strictObject({
  /** What happens to a pod that neither its label, its annotation nor a selector decides. */
  policy: z.enum(['enabled', 'disabled']).default('enabled'),
  neverInjectSelector: z.array(labelSelector).default([]),
  alwaysInjectSelector: z.array(labelSelector).default([]),
  /** Namespaces of other operators, never injected; our own and the system's are excluded without being listed. */
  excludedNamespaces: z
    .array(namespacePattern)
    .default([
      'calico-apiserver',
      'calico-system',
      'cert-manager',
      'cilium',
      'cilium-*',
      'gatekeeper-system',
      'istio-system',
      'kube-*',
      'kyverno',
      'linkerd',
      'linkerd-*',
      'metallb-system',
      'tigera-operator',
    ]),
  defaultTemplates: z.array(z.string()).min(1).default(['sidecar']),
  /** What to answer when our own patch fails its verification. */
  onInvalidPatch: z.enum(['admit', 'deny']).default('admit'),
  /** Proxy as an init container with restartPolicy Always; auto asks the server's version. */
  nativeSidecars: z.enum(['auto', 'always', 'never']).default('auto'),
});

const proxy = z.strictObject({
  image: written(imageReference).default('envoyproxy/envoy:v1.40.0'),
  /** Images that a pod's annotation or override may name; `*` at the end stands for any rest. */
  allowedImages: z.array(z.string().min(1)).default([]),
  imagePullPolicy: pullPolicy.optional(),
  imagePullSecrets: z.array(z.string().min(1)).default([]),
  logLevel: written(logLevel).default('warning'),
  componentLogLevel: written(componentLogLevel).default('misc:error'),
  statusPort: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .refine((port) => !reservedPorts.has(port), 'is a port of the proxy itself; allowed: any other port')
    .default(ports.status),
  holdApplicationUntilProxyStarts: z.boolean().default(false),
  clusterDomain: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, 'allowed: a DNS name')
    .default('cluster.local'),
  outboundTrafficPolicy: z.enum(['ALLOW_ANY', 'REGISTRY_ONLY']).default('ALLOW_ANY'),
  protocolDetectionTimeoutMs: z.number().int().min(0).max(60_000).default(500),
  /** Ports whose servers speak first or that carry no HTTP: no protocol sniffing. */
  opaquePorts: written(portList).default('21,22,25,53,110,143,465,587,993,995,3306,4222,5432,6379,27017'),
  maxConnections: z.number().int().min(1).max(10_000_000).default(50_000),
  accessLog: z.enum(['json', 'none']).default('json'),
  readiness: readiness.prefault({}),
  resources: resources.prefault({
    requests: { cpu: '100m', memory: '128Mi' },
    limits: { cpu: '2', memory: '1Gi' },
  }),
});

const capture = z.strictObject({
  image: written(imageReference).default('sidecar-injector-init:0.1.0'),
  imagePullPolicy: pullPolicy.optional(),
  interceptionMode: z.enum(['REDIRECT', 'NONE']).default('REDIRECT'),
  families: z
    .array(z.enum(['IPv4', 'IPv6']))
    .min(1)
    .default(['IPv4', 'IPv6']),
  includeOutboundIPRanges: written(cidrListOrAll).default('*'),
  /** The cloud's metadata service stays reachable when the proxy is not there yet. */
  excludeOutboundIPRanges: written(cidrList).default('169.254.169.254/32'),
  includeOutboundPorts: written(portList).default(''),
  excludeOutboundPorts: written(portList).default(''),
  includeInboundPorts: written(portListOrAll).default('*'),
  excludeInboundPorts: written(portList).default(''),
  excludeInterfaces: written(interfaceList).default(''),
  resources: resources.prefault({
    requests: { cpu: '10m', memory: '16Mi' },
    limits: { cpu: '100m', memory: '64Mi' },
  }),
});

const probes = z.strictObject({ rewrite: z.boolean().default(true) });

/** Resources that a pod may ask for at most; absent means no bound. */
const caps = z.strictObject({ cpu: amount.optional(), memory: amount.optional() });

const profile = z.strictObject({
  name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'allowed: a DNS label'),
  /** Chosen when the namespace matches one of the patterns (when given) and the pod's labels match (when given). */
  namespaces: z.array(namespacePattern).optional(),
  podSelector: labelSelector.optional(),
  resources: resources.optional(),
  initResources: resources.optional(),
  logLevel: written(logLevel).optional(),
  interceptionMode: z.enum(['REDIRECT', 'NONE']).optional(),
  caps: caps.optional(),
});

/** Label by which a pod chooses a profile that has no selector of its own. */
const profileLabel = 'sidecar-injector.io/profile';

const spec = z.strictObject({
  injection: injection.prefault({}),
  proxy: proxy.prefault({}),
  capture: capture.prefault({}),
  probes: probes.prefault({}),
  profiles: z.array(profile).default([
    {
      name: 'small',
      podSelector: { matchLabels: { [profileLabel]: 'small' } },
      resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: '100m', memory: '128Mi' } },
    },
  ]),
});

export const apiVersion = 'sidecar-injector.io/v1alpha1';

const metadata = z.looseObject({ name: z.string().optional() }).optional();

export const injectorConfiguration = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('InjectorConfiguration'),
  metadata,
  spec: spec.prefault({}),
});

/** Settings of one injector, all defaults filled in. */
export type Settings = z.output<typeof spec>;
export type Resources = z.output<typeof resources>;
export type Profile = z.output<typeof profile>;

const jsonObjects = z.array(z.looseObject({ name: z.string().min(1) })).default([]);

/** A plain pod fragment. Fields of containers and volumes are Kubernetes' own and are checked by the API server. */
export const sidecarTemplate = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('SidecarTemplate'),
  metadata: z.looseObject({
    name: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'allowed: a DNS label'),
  }),
  spec: z.strictObject({
    containers: jsonObjects,
    initContainers: jsonObjects,
    volumes: jsonObjects,
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
    imagePullSecrets: z.array(z.string().min(1)).default([]),
  }),
});

export type SidecarTemplate = z.output<typeof sidecarTemplate>;
