import { extension } from './extension.ts';
import { compile, type Filling, listed, type Template, type Tree } from './flow-yaml.ts';
import type { ProxyIntent } from './intent.ts';
import { metricLoggers } from './metrics.ts';

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

type Kind = ProxyIntent['accessLog'];

const loggers: Readonly<Record<Exclude<Kind, 'none'>, Tree>> = {
  // By the logger made for it: a file logger cannot open /dev/stdout as a plain user.
  stdout: extension('stdout', 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', format),
  file: extension('file', 'envoy.extensions.access_loggers.file.v3.FileAccessLog', { path, ...format }),
};

/** One line a request or connection, at its end; metrics have connections reported when they begin, too. */
const atTheEnd = { filter: { log_type_filter: { types: ['DownstreamEnd', 'TcpConnectionEnd'] } } };

function writers(kind: Kind, more: { readonly [key: string]: Tree }): readonly Template[] {
  if (kind === 'none') return [];
  return [compile({ anchor: 'log', content: { ...more, ...(loggers[kind] as { readonly [key: string]: Tree }) } })];
}

type Holes = 'inbound http log' | 'inbound tcp log' | 'outbound http log' | 'outbound tcp log' | 'tcpLogOptions';

function fillingFor(kind: Kind, hasMetrics: boolean): Readonly<Record<Holes, string | Template>> {
  const own = writers(kind, hasMetrics ? atTheEnd : {});
  const list = (metrics: readonly Template[]): Template => listed(hasMetrics ? [...own, ...metrics] : own);
  return {
    'inbound http log': list(metricLoggers['inbound http']),
    'inbound tcp log': list(metricLoggers['inbound tcp']),
    'outbound http log': list(metricLoggers['outbound http']),
    'outbound tcp log': list(metricLoggers['outbound tcp']),
    tcpLogOptions: hasMetrics ? ',access_log_options: {flush_access_log_on_start: true}' : '',
  };
}

function bothWays(kind: Kind) {
  return { withMetrics: fillingFor(kind, true), without: fillingFor(kind, false) };
}

const fillings = { stdout: bothWays('stdout'), file: bothWays('file'), none: bothWays('none') };

/** Fillings of the holes for what is told about captured traffic: lines to read, and metrics. */
export function accessLogFilling(kind: Kind, hasMetrics: boolean): Filling {
  return hasMetrics ? fillings[kind].withMetrics : fillings[kind].without;
}
