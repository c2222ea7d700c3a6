import { duration } from '../../envoy/extension.ts';
import type { ClusterLimits, ClusterTls } from '../../envoy/service-cluster.ts';
import type { JsonObject } from '../../json/json.ts';
import type { ConnectionLimits, Ejection, LoadBalancer, TrafficPolicy, Transport } from '../plan/traffic-policy.ts';

/** Returns an object without the members that are undefined. */
function defined(members: Readonly<Record<string, JsonObject[string] | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function time(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : duration(milliseconds);
}

/** Kernels count in seconds. */
function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.max(1, Math.round(milliseconds / 1000));
}

/** Returns the limits of a cluster. Connections of TCP end when one of their sides ends them: the listener decides on them, which knows no policies. */
export function clusterLimits({ limits = {}, protocol }: TrafficPolicy): ClusterLimits {
  const { maxConnections, maxPendingRequests, maxRequests, maxRetries, tcpKeepalive = {} }: ConnectionLimits = limits;
  return {
    thresholds: defined({
      max_connections: maxConnections,
      max_pending_requests: maxPendingRequests,
      max_requests: maxRequests,
      max_retries: maxRetries,
    }),
    sharesConnections: maxConnections !== undefined || maxPendingRequests !== undefined,
    connectTimeoutMs: limits.connectTimeoutMs,
    tcpKeepalive: defined({
      keepalive_probes: tcpKeepalive.probes,
      keepalive_time: seconds(tcpKeepalive.timeMs),
      keepalive_interval: seconds(tcpKeepalive.intervalMs),
    }),
    http: defined({
      idle_timeout: time(limits.httpIdleTimeoutMs),
      max_connection_duration: time(limits.maxConnectionDurationMs),
      max_requests_per_connection: limits.maxRequestsPerConnection,
    }),
    http2: defined({ max_concurrent_streams: limits.maxConcurrentStreams }),
    isHttp2: protocol === 'http2',
  };
}

/** Returns by how many failures in a row an endpoint is ejected; 0 switches it off. */
function inARow(what: string, failures: number): JsonObject {
  return failures === 0 ? { [`enforcing_${what}`]: 0 } : { [what]: failures, [`enforcing_${what}`]: 100 };
}

/** Returns `envoy.config.cluster.v3.OutlierDetection`: only failures in a row count, not how endpoints compare. */
export function outlierDetection(ejection: Ejection): JsonObject {
  const { consecutive5xx, consecutiveGatewayErrors, consecutiveLocalFailures } = ejection;
  return {
    ...inARow('consecutive_5xx', consecutive5xx),
    ...inARow('consecutive_gateway_failure', consecutiveGatewayErrors),
    ...(consecutiveLocalFailures === undefined
      ? {}
      : {
          split_external_local_origin_errors: true,
          ...inARow('consecutive_local_origin_failure', consecutiveLocalFailures),
          enforcing_local_origin_success_rate: 0,
        }),
    enforcing_success_rate: 0,
    interval: duration(ejection.intervalMs),
    base_ejection_time: duration(ejection.baseMs),
    max_ejection_percent: ejection.maxPercent,
    always_eject_one_host: ejection.ejectsOneAlways,
  };
}

const policies = { 'least-request': 'LEAST_REQUEST', 'round-robin': 'ROUND_ROBIN', random: 'RANDOM' } as const;

/** Returns members of a cluster that say how an endpoint is picked, if the client does not pick it by dialling it. */
export function loadBalancer(balancer: LoadBalancer | undefined, hasAffinity: boolean): JsonObject {
  switch (balancer?.type) {
    case 'least-request':
    case 'round-robin':
    case 'random':
      return { lb_policy: policies[balancer.type] };
    case 'ring':
      return { lb_policy: 'RING_HASH', ring_hash_lb_config: { minimum_ring_size: String(balancer.minimumSize) } };
    case 'maglev': {
      const { tableSize } = balancer;
      return {
        lb_policy: 'MAGLEV',
        ...(tableSize === undefined ? {} : { maglev_lb_config: { table_size: String(tableSize) } }),
      };
    }
    case 'dialled':
    case undefined:
      return { lb_policy: hasAffinity ? 'RING_HASH' : 'LEAST_REQUEST' };
  }
}

/** Returns how connections of a cluster are protected. */
export function clusterTls(transport: Transport = { type: 'automatic' }): ClusterTls {
  switch (transport.type) {
    case 'automatic':
    case 'plain':
      return { type: transport.type };
    case 'mutual':
      return { type: 'mutual', sni: transport.sni };
    case 'simple':
      return {
        type: 'foreign',
        sni: transport.sni,
        names: transport.names,
        caFile: transport.caFile,
        isUnverified: transport.isUnverified === true,
      };
  }
}
