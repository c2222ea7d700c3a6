import * as z from 'zod';
import { byKey, type Json } from '../../../json/json.ts';
import { flag, mergeValues, text, unread, whole } from './value-types.ts';

/** Istio's ProxyConfig (istio.io/api mesh/v1alpha1/proxy.proto). Fields for the agent are passed on unchecked. */
export const proxyConfig = z.strictObject({
  holdApplicationUntilProxyStarts: flag.optional(),
  image: z.strictObject({ imageType: text.optional() }).optional(),
  interceptionMode: z.enum(['REDIRECT', 'TPROXY', 'NONE']).optional(),
  proxyMetadata: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'allowed: names of variables'), text).optional(),
  statusPort: whole.optional(),
  tracing: z.looseObject({}).optional(),
  ...unread(
    'availabilityZone',
    'binaryPath',
    'caCertificatesPem',
    'concurrency',
    'configPath',
    'controlPlaneAuthPolicy',
    'customConfigFile',
    'discoveryAddress',
    'discoveryRefreshDelay',
    'drainDuration',
    'envoyAccessLogService',
    'envoyMetricsService',
    'envoyMetricsServiceAddress',
    'extraStatTags',
    'fileFlushInterval',
    'fileFlushMinSizeKb',
    'gatewayTopology',
    'meshId',
    'parentShutdownDuration',
    'privateKeyProvider',
    'proxyAdminPort',
    'proxyBootstrapTemplatePath',
    'proxyHeaders',
    'proxyStatsMatcher',
    'readinessProbe',
    'runtimeValues',
    'sds',
    'serviceCluster',
    'statNameLength',
    'statsCompression',
    'statsEvictionInterval',
    'statsdUdpAddress',
    'terminationDrainDuration',
    'tracingServiceName',
    'zipkinAddress',
  ),
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

/** The proxy configuration of a pod: the mesh's, overridden by the pod's; `proxyMetadata` is merged by key. */
export function mergeProxyConfig(mesh: ProxyConfig, pod: ProxyConfig): ProxyConfig {
  const own = Object.fromEntries(Object.entries(pod).filter(([, value]) => value !== undefined && value !== null));
  return mergeValues(mesh, own) as ProxyConfig;
}

/** The fields that differ from the agent's defaults, for PROXY_CONFIG. */
export function differencesFromDefault(config: ProxyConfig): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(config)
      .filter(([key, value]) => !isAbsent(key, value))
      .toSorted(byKey),
  );
}
