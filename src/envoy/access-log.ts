import type { JsonObject } from '../json/json.ts';
import { extension } from './extension.ts';
import type { TrafficIntent } from './intent.ts';
import { httpMetrics, tcpMetrics } from './metrics.ts';
import type { Direction } from './routes.ts';

/**
 * Keys are those of Istio's JSON access log, so that parsers written for it keep working. Left out are the two that only
 * a mesh's TLS and policies ever set.
 */
const fields = {
  authority: '%REQ(:AUTHORITY)%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  downstream_remote_address: '%DOWNSTREAM_REMOTE_ADDRESS%',
  duration: '%DURATION%',
  method: '%REQ(:METHOD)%',
  // Istio's looks for a header first, which anybody can send; no path of captured traffic is ever rewritten.
  path: '%REQ(:PATH)%',
  protocol: '%PROTOCOL%',
  request_id: '%REQ(X-REQUEST-ID)%',
  requested_server_name: '%REQUESTED_SERVER_NAME%',
  response_code: '%RESPONSE_CODE%',
  response_code_details: '%RESPONSE_CODE_DETAILS%',
  response_flags: '%RESPONSE_FLAGS%',
  route_name: '%ROUTE_NAME%',
  start_time: '%START_TIME%',
  upstream_cluster: '%UPSTREAM_CLUSTER%',
  upstream_host: '%UPSTREAM_HOST%',
  upstream_local_address: '%UPSTREAM_LOCAL_ADDRESS%',
  upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%',
  user_agent: '%REQ(USER-AGENT)%',
  x_forwarded_for: '%REQ(X-FORWARDED-FOR)%',
};

/** Where the file is, on the volume that other containers of the pod can mount. */
const path = '/var/log/istio/access.log';

const format = { log_format: { json_format: fields } };

const writers = {
  // By the logger made for it: a file logger cannot open /dev/stdout as a plain user.
  stdout: extension('stdout', 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', format),
  file: extension('file', 'envoy.extensions.access_loggers.file.v3.FileAccessLog', { path, ...format }),
} as const;

type Told = Pick<TrafficIntent['settings']['proxy'], 'accessLog' | 'metrics'>;

/** One line a request or connection, at its end; metrics have connections reported when they begin, too. */
const atTheEnd = { filter: { log_type_filter: { types: ['DownstreamEnd', 'TcpConnectionEnd'] } } };

const writersAtTheEnd = {
  stdout: { ...atTheEnd, ...writers.stdout },
  file: { ...atTheEnd, ...writers.file },
} as const;

function lines({ accessLog, metrics }: Told): readonly JsonObject[] {
  if (accessLog === 'none') return [];
  return [(metrics.istio ? writersAtTheEnd : writers)[accessLog]];
}

/** What is told about captured traffic: lines to read, and metrics (`envoy.config.accesslog.v3.AccessLog`). */
export function accessLogs(told: Told, direction: Direction, of: 'http' | 'tcp'): readonly JsonObject[] {
  if (!told.metrics.istio) return lines(told);
  return [...lines(told), ...(of === 'http' ? httpMetrics : tcpMetrics)[direction]];
}

/** `TcpAccessLogOptions`: connections are counted when they begin, too. */
export function tcpLogOptions({ metrics }: Told): JsonObject | undefined {
  return metrics.istio ? { flush_access_log_on_start: true } : undefined;
}
