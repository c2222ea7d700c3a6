import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';

const preserveCase: JsonObject = {
  stateful_formatter: extension(
    'preserve_case',
    'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
    { forward_reason_phrase: true },
  ),
};

/** The last filter of every HTTP filter chain. Counters by status code are left to the listeners, which have them anyway. */
const router: JsonObject = extension('router', 'envoy.extensions.filters.http.router.v3.Router', {
  dynamic_stats: false,
});

/**
 * What a request or an answer may carry. Envoy's own limits, a hundred headers and 60 KiB, are below what many servers take.
 */
const mostHeaders = { max_headers_count: 2_000 } as const;
const mostHeaderKibibytes = 256;

const serverHttp1: JsonObject = {
  // HTTP/1.0 without a Host header is legal and old health checkers send it; Envoy wants a name for it.
  accept_http_10: true,
  default_host_for_http_10: 'localhost',
  enable_trailers: true,
  allow_custom_methods: true,
  header_key_format: preserveCase,
};

/** What HTTP/1 connections may change into. Envoy refuses every other protocol, but h2c, which clients can do without. */
const upgrades = ['websocket', 'CONNECT', 'tcp', 'SPDY/3.1'].map((upgrade_type) => ({ upgrade_type }));

/** `envoy.config.route.v3.RouteConfiguration` in the listener, or the name of one that a control plane sends. */
export type Routes = { readonly inline: JsonObject } | { readonly rds: string };

function routeSource(routes: Routes): JsonObject {
  if ('inline' in routes) return { route_config: routes.inline };
  return { rds: { route_config_name: routes.rds, config_source: { ads: {}, resource_api_version: 'V3' } } };
}

function connectionManager(fields: JsonObject): JsonObject {
  return extension(
    'envoy.filters.network.http_connection_manager',
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    fields,
  );
}

/** What differs between the connection managers of captured traffic. */
export interface TransparentHttp {
  /** Prefix of its statistics. */
  readonly name: string;
  readonly routes: Routes;
  /** Filters before the router. */
  readonly filters: readonly JsonObject[];
  readonly accessLog: readonly JsonObject[];
  readonly tracing: JsonObject | undefined;
}

/** Connection manager of captured traffic, as transparent as Envoy allows. */
export function transparentHttp({ name, routes, filters, accessLog, tracing }: TransparentHttp): JsonObject {
  return connectionManager({
    stat_prefix: name,
    ...routeSource(routes),
    http_filters: [...filters, router],
    access_log: accessLog,
    http_protocol_options: serverHttp1,
    common_http_protocol_options: mostHeaders,
    max_request_headers_kb: mostHeaderKibibytes,
    // The server says whether it wants the body; its early hints pass the same way.
    proxy_100_continue: true,
    upgrade_configs: upgrades,
    ...(tracing === undefined ? {} : { tracing }),
    server_header_transformation: 'PASS_THROUGH',
    // Long polls and streams may be silent for longer than Envoy's five minutes.
    stream_idle_timeout: '0s',
  });
}

/** Connection manager of a listener of the proxy's own: exact paths, no log. */
export function ownHttp(name: string, filters: readonly JsonObject[], routes: readonly JsonObject[]): JsonObject {
  return connectionManager({
    stat_prefix: name,
    // A redirect of the application counts as success; the kubelet must not follow it to a path that is not here.
    route_config: { virtual_hosts: [{ name, domains: ['*'], routes, response_headers_to_remove: ['location'] }] },
    http_filters: [...filters, router],
  });
}

const protocolOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** `typed_extension_protocol_options` of a cluster. */
function upstreamHttp(fields: JsonObject): JsonObject {
  return { [protocolOptions]: typed(protocolOptions, fields) };
}

/** Transport socket of TLS that verifies nothing, as the kubelet; without the maximum Envoy stops at TLS 1.2. */
export const anyTls: JsonObject = extension('tls', 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
  common_tls_context: { tls_params: { tls_maximum_protocol_version: 'TLSv1_3' } },
});

/**
 * Upstream side of captured traffic: the protocol that the client speaks, and connections that are given up after one
 * idle second. Servers close idle connections without notice and Envoy does not read their `Keep-Alive` hint, so a
 * longer time loses requests; a new connection costs far less.
 */
export const transparentUpstream: JsonObject = upstreamHttp({
  common_http_protocol_options: {
    idle_timeout: '1s',
    max_response_headers_kb: mostHeaderKibibytes,
    ...mostHeaders,
  },
  use_downstream_protocol_config: {
    http_protocol_options: { enable_trailers: true, header_key_format: preserveCase },
    http2_protocol_options: {},
  },
});

/** Upstream side of what is asked by gRPC. */
export const grpcUpstream: JsonObject = upstreamHttp({ explicit_http_config: { http2_protocol_options: {} } });
