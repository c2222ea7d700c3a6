import type { JsonObject } from '../json/json.ts';
import { accessFilterNames, deniedBy } from './access-filters.ts';
import { unnamed } from './extension.ts';
import { isOfMesh, isOfPod, knowsPeer, type Flow } from './flows.ts';
import type { TrafficIntent } from './intent.ts';
import { atMoments, where } from './log-filter.ts';
import { httpMetrics, tcpMetrics } from './metrics.ts';

/**
 * Keys of Istio's JSON access log, so that existing parsers keep working. Values that a client chooses are cut, so that a line cannot be as long as a request's headers.
 */
const fields = {
  authority: '%REQ(:AUTHORITY):256%',
  bytes_received: '%BYTES_RECEIVED%',
  bytes_sent: '%BYTES_SENT%',
  downstream_local_address: '%DOWNSTREAM_LOCAL_ADDRESS%',
  // The peer itself: any client can forge X-Forwarded-For.
  downstream_remote_address: '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%',
  duration: '%DURATION%',
  method: '%REQ(:METHOD):64%',
  // Istio prefers a header here, which any client can forge. A path that was rewritten is told as the server gets it.
  path: '%REQ(:PATH):2048%',
  protocol: '%PROTOCOL%',
  request_id: '%REQ(X-REQUEST-ID):128%',
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
  user_agent: '%REQ(USER-AGENT):256%',
  x_forwarded_for: '%REQ(X-FORWARDED-FOR):256%',
};

/** Path of the log file, on a volume that other containers of the pod can mount. */
const path = '/var/log/istio/access.log';

/** The two of Istio's keys that only a mesh's TLS and policies set, and who the peer is: the server and the client, each if it has a certificate. */
const meshFields = {
  ...fields,
  connection_termination_details: '%CONNECTION_TERMINATION_DETAILS%',
  downstream_peer_uri_san: '%DOWNSTREAM_PEER_URI_SAN%',
  upstream_peer_uri_san: '%UPSTREAM_PEER_URI_SAN%',
  upstream_transport_failure_reason: '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
};

/** A dedicated logger: the file logger cannot open /dev/stdout as an unprivileged user. */
function stdout(of: JsonObject): JsonObject {
  return unnamed('envoy.extensions.access_loggers.stream.v3.StdoutAccessLog', of);
}

function file(of: JsonObject): JsonObject {
  return unnamed('envoy.extensions.access_loggers.file.v3.FileAccessLog', { path, ...of });
}

function writersOf(json_format: JsonObject): Readonly<Record<'stdout' | 'file', JsonObject>> {
  const format = { log_format: { json_format } };
  return { stdout: stdout(format), file: file(format) };
}

/**
 * What policies say beside letting requests in or not: the policy that marks one, the policy on trial that would deny it, whether those on trial
 * would allow it; and which policy has kept a connection from the application.
 */
function podFields(of: 'http' | 'tcp'): JsonObject {
  const said = (name: string): string =>
    `%DYNAMIC_METADATA(envoy.filters.${of === 'http' ? 'http' : 'network'}.rbac:${name})%`;
  const { audit, deny, allow } = accessFilterNames;
  return {
    ...meshFields,
    authz_audit: said(`${audit.shadow}shadow_effective_policy_id`),
    authz_dry_run_deny: said(`${deny.shadow}shadow_effective_policy_id`),
    authz_dry_run_allow: said(`${allow.shadow}shadow_engine_result`),
    ...(of === 'http' ? {} : { authz_denied: `%FILTER_STATE(${deniedBy}:PLAIN)%` }),
  };
}

const writers = {
  alone: writersOf(fields),
  ofMesh: writersOf(meshFields),
  ofPod: { http: writersOf(podFields('http')), tcp: writersOf(podFields('tcp')) },
} as const;

/**
 * A connection that ended while it was inspected: it has no filter chain yet, so nothing else reports it. What it carried is
 * lost and not counted.
 */
const cutFields = {
  downstream_local_address: fields.downstream_local_address,
  downstream_remote_address: fields.downstream_remote_address,
  duration: fields.duration,
  response_code_details: 'downstream_closed_during_inspection',
  start_time: fields.start_time,
};

const withoutChain = { filter: where("xds.filter_chain_name == ''") };

const cutWriters = writersOf(cutFields);

type Told = Pick<TrafficIntent['settings']['proxy'], 'accessLog' | 'metrics'>;

/** Logs each request or connection once, when it ends: with metrics on, connections are also reported when they begin. */
const atTheEnd = { filter: atMoments('DownstreamEnd', 'TcpConnectionEnd') };

function lines({ accessLog, metrics }: Told, flow: Flow, of: 'http' | 'tcp'): readonly JsonObject[] {
  if (accessLog === 'none') return [];
  const some = isOfPod(flow) ? writers.ofPod[of] : writers[isOfMesh(flow) ? 'ofMesh' : 'alone'];
  const writer = some[accessLog];
  return [metrics.istio ? { ...atTheEnd, ...writer } : writer];
}

/** Returns the access loggers of captured traffic: log lines and metrics (`envoy.config.accesslog.v3.AccessLog`). */
export function accessLogs(told: Told, flow: Flow, of: 'http' | 'tcp'): readonly JsonObject[] {
  if (!told.metrics.istio) return lines(told, flow, of);
  return [...lines(told, flow, of), ...(of === 'http' ? httpMetrics : tcpMetrics)[flow]];
}

/** Returns the access loggers of a listener that inspects connections, for those that end meanwhile. */
export function cutConnectionLogs({ accessLog }: Pick<Told, 'accessLog'>): readonly JsonObject[] {
  return accessLog === 'none' ? [] : [{ ...withoutChain, ...cutWriters[accessLog] }];
}

/** Returns `TcpAccessLogOptions`: with metrics on, connections are also counted when they begin. */
export function tcpLogOptions({ metrics }: Told, flow: Flow): JsonObject | undefined {
  if (!metrics.istio) return undefined;
  return knowsPeer(flow) ? { flush_access_log_on_connected: true } : { flush_access_log_on_start: true };
}
