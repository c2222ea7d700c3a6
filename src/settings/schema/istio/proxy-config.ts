import * as z from 'zod';
import { byKey, type Json } from '../../../json/json.ts';
import { flag, isPlain, mergeValues, text, unread, whole } from './value-types.ts';

/** Fields that this program only passes on to Istio's agent, by the reason why the built-in proxy ignores them. */
export const agentFields = {
  'only a control plane reads it': `
    discoveryAddress discoveryRefreshDelay controlPlaneAuthPolicy availabilityZone meshId caCertificatesPem sds
    privateKeyProvider gatewayTopology proxyHeaders connectionSettings
  `,
  'the proxy has no tracer': 'tracing tracingServiceName zipkinAddress',
  'the proxy’s statistics are a fixed set that Prometheus collects': `
    extraStatTags proxyStatsMatcher statNameLength statsdUdpAddress envoyMetricsService envoyMetricsServiceAddress
    statsCompression
  `,
  'the access log goes to standard output': 'envoyAccessLogService fileFlushInterval fileFlushMinSizeKb',
  'the proxy is known by its workload’s name': 'serviceCluster',
  'there is no agent beside the proxy': 'readinessProbe',
  'the proxy is never restarted in place': 'parentShutdownDuration',
  'Envoy’s runtime keys are fixed': 'runtimeValues',
  'the image is one of the settings; sidecar.istio.io/proxyImage names another': 'image',
};

/** Fields that the built-in proxy gives a meaning (or denies), and Istio's agent reads unchecked. */
const otherFields = `
  binaryPath concurrency configPath customConfigFile drainDuration proxyAdminPort proxyBootstrapTemplatePath
  statsEvictionInterval terminationDrainDuration
`;

const duration = z
  .string('allowed: a duration in seconds, such as 5s')
  .regex(/^\d{1,12}(?:\.\d{1,9})?s$/, 'allowed: a duration in seconds, such as 5s')
  .optional();
/** Istio's validation takes whole seconds, and at least one. */
const drainTime = z
  .string('allowed: a duration in whole seconds, such as 45s')
  .regex(/^0*[1-9]\d{0,8}(?:\.0{1,9})?s$/, 'allowed: a duration in whole seconds, such as 45s')
  .optional();
const number = z.union(
  [z.number().int(), z.string().regex(/^-?\d{1,10}$/, 'allowed: a whole number')],
  'allowed: a whole number',
);
const string = z.string('must be a string').optional();
const strings = z.array(z.string('must be a string'), 'must be a list of strings').optional();

/**
 * Istio's ProxyConfig (istio.io/api mesh/v1alpha1/proxy.proto). Nested messages for the agent are passed on unchecked;
 * of other fields the type is checked, because the agent does not start with another.
 */
export const proxyConfig = z.strictObject({
  ...unread([...Object.values(agentFields), otherFields].join(' ')),
  availabilityZone: string,
  binaryPath: string,
  caCertificatesPem: strings,
  concurrency: number.optional(),
  configPath: string,
  controlPlaneAuthPolicy: z.enum(['NONE', 'MUTUAL_TLS']).optional(),
  customConfigFile: string,
  discoveryAddress: string,
  discoveryRefreshDelay: duration,
  drainDuration: drainTime,
  envoyMetricsServiceAddress: string,
  extraStatTags: strings,
  fileFlushInterval: duration,
  fileFlushMinSizeKb: number.optional(),
  meshId: string,
  proxyAdminPort: number.optional(),
  proxyBootstrapTemplatePath: string,
  serviceCluster: string,
  statNameLength: number.optional(),
  statsCompression: flag.optional(),
  statsdUdpAddress: string,
  terminationDrainDuration: duration,
  zipkinAddress: string,
  holdApplicationUntilProxyStarts: flag.optional(),
  image: z.strictObject({ imageType: text.optional() }).optional(),
  interceptionMode: z.enum(['REDIRECT', 'TPROXY', 'NONE']).optional(),
  proxyMetadata: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'allowed: names of variables'), text).optional(),
  statusPort: whole.optional(),
  tracing: z.looseObject({}).optional(),
});

export type ProxyConfig = z.output<typeof proxyConfig>;

/** The agent's own defaults (istio.io/istio pkg/config/mesh, default proxy configuration). */
const builtIn: Readonly<Record<string, Json>> = {
  binaryPath: '/usr/local/bin/envoy',
  configPath: './etc/istio/proxy',
  controlPlaneAuthPolicy: 'MUTUAL_TLS',
  discoveryAddress: 'istiod.istio-system.svc:15012',
  drainDuration: '45s',
  proxyAdminPort: 15_000,
  serviceCluster: 'istio-proxy',
  statNameLength: 189,
  statusPort: 15_020,
  terminationDrainDuration: '5s',
};

/** Fields for which zero differs from unset. For all others it does not (proto3). */
const wrapped: ReadonlySet<string> = new Set(['concurrency', 'holdApplicationUntilProxyStarts', 'statsCompression']);

function isAbsent(key: string, value: unknown): boolean {
  if (value === undefined || value === null || value === builtIn[key]) return true;
  if (wrapped.has(key)) return false;
  if (key === 'interceptionMode') return value === 'REDIRECT';
  if (key === 'proxyMetadata') return Object.keys(value).length === 0;
  return value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0);
}

/** Members of `proxyHeaders` that are kept unless the pod sets them (istio.io/istio pkg/config/mesh, MergeProxyConfig). */
const keptHeaders = ['forwardedClientCert', 'requestId', 'attemptCount', 'server', 'envoyDebugHeaders'] as const;

/** Returns the pod's headers with those of the mesh that are kept; undefined if the pod sets none. */
function mergeHeaders(mesh: unknown, pod: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isPlain(pod)) return undefined;
  const kept = isPlain(mesh) ? keptHeaders.flatMap((key) => (key in mesh ? [[key, mesh[key]] as const] : [])) : [];
  return { ...Object.fromEntries(kept), ...pod };
}

/**
 * The proxy configuration of a pod: the mesh's, overridden by the pod's field by field, as protobuf's JSON is read over
 * a message. Objects and lists are replaced as a whole; only `proxyMetadata` is merged by key, and `proxyHeaders` in part.
 */
export function mergeProxyConfig(mesh: ProxyConfig, pod: ProxyConfig): ProxyConfig {
  // Null stands for a field that is not there.
  const own = mergeValues({}, pod) as ProxyConfig & { readonly proxyHeaders?: unknown };
  const { proxyHeaders: before } = mesh as { readonly proxyHeaders?: unknown };
  const proxyHeaders = mergeHeaders(before, own.proxyHeaders);
  return {
    ...mesh,
    ...own,
    ...(own.proxyMetadata === undefined ? {} : { proxyMetadata: { ...mesh.proxyMetadata, ...own.proxyMetadata } }),
    ...(proxyHeaders === undefined ? {} : { proxyHeaders }),
  };
}

/** The fields that differ from the agent's defaults, for PROXY_CONFIG. */
export function differencesFromDefault(config: ProxyConfig): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(config)
      .filter(([key, value]) => !isAbsent(key, value))
      .toSorted(byKey),
  );
}
