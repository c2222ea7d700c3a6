import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';
import { earlyMutations } from './forwarded-proto.ts';
import { unreachableReplies } from './hang-up.ts';

const preserveCase: JsonObject = {
  stateful_formatter: extension(
    'case',
    'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
    { forward_reason_phrase: true },
  ),
};

/** The last filter of every HTTP filter chain. It keeps no counters by status code: the listeners have them anyway. */
const router: JsonObject = extension('router', 'envoy.extensions.filters.http.router.v3.Router', {
  dynamic_stats: false,
});

/**
 * Limits for requests and responses. Envoy's defaults (100 headers, 60 KiB) are lower than what many servers accept.
 */
const mostHeaders = { max_headers_count: 2_000 } as const;
const mostHeaderKibibytes = 256;

/**
 * Protocols that an HTTP/1 connection may upgrade to. A client that offers another one (Apache's
 * HttpClient offers `TLS/1.2` with every request) gets an answer without an upgrade, as from a server that does not know it. CONNECT is a method, which
 * Envoy treats as an upgrade.
 */
const upgrades: readonly JsonObject[] = ['websocket', 'tcp', 'SPDY/3.1', 'CONNECT'].map((upgrade_type) => ({
  upgrade_type,
}));

/**
 * Matches all other protocols, but for such as begin and end like one of those: RE2 has no negation, and Envoy allows only short
 * expressions.
 */
const otherUpgrades = '(?i)([^wts]|w[^e]|web[^s]|t[^c]|s[^p]).*|..?|tcp.+|[ws].*[^t1]';

const noLimit = 1_000_000;

/** Options of captured HTTP/2, on both sides of the proxy. */
const http2: JsonObject = {
  // A stream that is read slowly holds up to two of these. Envoy's default is 16 MiB; 256 KiB are enough for 128 MiB a second
  // over a network with a round trip of 2 ms.
  initial_stream_window_size: 262_144,
  // A malformed message ends its stream and not the connection, which has other streams.
  override_stream_error_on_invalid_http_message: true,
  // Legal, and sent by common libraries. The defaults are for a proxy that faces strangers alone.
  max_consecutive_inbound_frames_with_empty_payload: noLimit,
  max_inbound_priority_frames_per_stream: noLimit,
  max_inbound_window_update_frames_per_data_frame_sent: noLimit,
  // Envoy's default is 1,024; long streams of a client that has more would wait for one another.
  max_concurrent_streams: noLimit,
  // WebSockets over HTTP/2 (RFC 8441), and tunnels.
  allow_connect: true,
};

/** Idle connections are kept, as those of other protocols; Envoy's default is an hour. Their number is limited. */
const serverOptions: JsonObject = { ...mostHeaders, idle_timeout: '0s' };

const serverHttp1: JsonObject = {
  // HTTP/1.0 without a Host header is legal and sent by old health checkers; Envoy needs a host for it.
  accept_http_10: true,
  default_host_for_http_10: 'localhost',
  enable_trailers: true,
  allow_custom_methods: true,
  header_key_format: preserveCase,
  // Without this, Envoy answers 403.
  ignore_http_11_upgrade: [{ safe_regex: { regex: otherUpgrades } }],
};

/** An `envoy.config.route.v3.RouteConfiguration` in the listener, or the name of one that a control plane sends. */
export type Routes = { readonly inline: JsonObject } | { readonly rds: string };

function routeSource(routes: Routes): JsonObject {
  if ('inline' in routes) return { route_config: routes.inline };
  return { rds: { route_config_name: routes.rds, config_source: { ads: {}, resource_api_version: 'V3' } } };
}

function connectionManager(fields: JsonObject): JsonObject {
  return extension('http', 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', fields);
}

/** A request id belongs to the application: Envoy neither writes into it whether it is traced, nor decides by it. */
const untouchedRequestId: JsonObject = {
  typed_config: typed('envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig', {
    pack_trace_reason: false,
    use_request_id_for_trace_sampling: false,
  }),
};

/** What differs between the connection managers of captured traffic. */
export interface TransparentHttp {
  /** Prefix of the connection manager's statistics. */
  readonly name: string;
  readonly routes: Routes;
  /** What becomes of `x-forwarded-proto`; the routes do the other half. */
  readonly forwardedProto: keyof typeof earlyMutations;
  /** Filters before the router. */
  readonly filters: readonly JsonObject[];
  readonly accessLog: readonly JsonObject[];
  readonly tracing: JsonObject | undefined;
  /** Whether the application is told by `x-forwarded-client-cert` who its client is, and by nobody else. Default: it is not. */
  readonly tellsPeer?: boolean;
}

/**
 * What happens to `x-forwarded-client-cert`. As in Istio, the peer's certificate is appended to what a peer with one has written, and
 * what others have written is removed. Envoy's default removes it always.
 */
const clientCertificate = {
  told: {
    forward_client_cert_details: 'APPEND_FORWARD',
    set_current_client_cert_details: { subject: true, dns: true, uri: true },
  },
  untouched: { forward_client_cert_details: 'ALWAYS_FORWARD_ONLY' },
} as const satisfies Readonly<Record<string, JsonObject>>;

/** Returns the connection manager of captured traffic, as transparent as Envoy allows. */
export function transparentHttp(intent: TransparentHttp): JsonObject {
  const { name, routes, forwardedProto, filters, accessLog, tracing, tellsPeer } = intent;
  return connectionManager({
    stat_prefix: name,
    ...routeSource(routes),
    early_header_mutation_extensions: [earlyMutations[forwardedProto]],
    http_filters: [...filters, router],
    local_reply_config: unreachableReplies,
    access_log: accessLog,
    http_protocol_options: serverHttp1,
    http2_protocol_options: http2,
    common_http_protocol_options: serverOptions,
    max_request_headers_kb: mostHeaderKibibytes,
    // The server decides whether it wants the body; its early hints pass in the same way.
    proxy_100_continue: true,
    upgrade_configs: upgrades,
    ...(tracing === undefined ? {} : { tracing, request_id_extension: untouchedRequestId }),
    server_header_transformation: 'PASS_THROUGH',
    ...clientCertificate[tellsPeer === true ? 'told' : 'untouched'],
    // Long polls and streams may be silent for longer than Envoy's default of five minutes.
    stream_idle_timeout: '0s',
    // How long a client may pause while it reads an answer after which its connection ends. With Envoy's second, it would lose the rest.
    delayed_close_timeout: '10s',
    // A client that never ends its headers would hold one of the proxy's connections indefinitely.
    request_headers_timeout: '30s',
  });
}

/**
 * Returns the connection manager of one of the proxy's own listeners: exact paths, no access log. Everybody who reaches the
 * pod reaches the status listener, so a client gets little room and little time. A page of metrics may take almost a
 * minute to collect the application's.
 */
export function ownHttp(name: string, filters: readonly JsonObject[], routes: readonly JsonObject[]): JsonObject {
  return connectionManager({
    stat_prefix: name,
    // Kubelets and Prometheus speak HTTP/1 without TLS, and HTTP/2 would let a client hold and reset many requests.
    codec_type: 'HTTP1',
    route_config: { virtual_hosts: [{ name, domains: ['*'], routes }] },
    http_filters: [...filters, router],
    common_http_protocol_options: { idle_timeout: '60s' },
    max_request_headers_kb: 16,
    request_headers_timeout: '10s',
    // Their requests have no body. A hook may take as long as it likes to respond, but nobody to ask.
    request_timeout: '10s',
    stream_idle_timeout: '60s',
  });
}

const protocolOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** Returns the `typed_extension_protocol_options` of a cluster. */
function upstreamHttp(fields: JsonObject): JsonObject {
  return { [protocolOptions]: typed(protocolOptions, fields) };
}

/** Transport socket for TLS without verification, as in the kubelet. By default Envoy stops at TLS 1.2. */
export const anyTls: JsonObject = extension('tls', 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
  common_tls_context: { tls_params: { tls_maximum_protocol_version: 'TLSv1_3' } },
});

/** What differs between the upstream options of captured traffic. */
export interface UpstreamChanges {
  /** Members of `HttpProtocolOptions` that stand in the place of the usual ones. */
  readonly common?: JsonObject;
  readonly http2?: JsonObject;
  /** Whether servers get HTTP/2, whatever the client speaks. */
  readonly isHttp2?: boolean;
  /** `UpstreamHttpProtocolOptions`. */
  readonly names?: JsonObject | undefined;
}

/**
 * Returns upstream options of captured traffic: the client's protocol, and connections closed after one idle second. Servers
 * close idle connections without notice and Envoy does not read their `Keep-Alive` hint, so a longer timeout loses
 * requests; a new connection costs far less.
 */
export function upstreamWith({ common, http2: more, isHttp2, names }: UpstreamChanges): JsonObject {
  const http2_protocol_options = { ...http2, ...more };
  return upstreamHttp({
    common_http_protocol_options: {
      idle_timeout: '1s',
      max_response_headers_kb: mostHeaderKibibytes,
      ...mostHeaders,
      ...common,
    },
    ...(names === undefined ? {} : { upstream_http_protocol_options: names }),
    ...(isHttp2 === true
      ? { explicit_http_config: { http2_protocol_options } }
      : {
          use_downstream_protocol_config: {
            http_protocol_options: { enable_trailers: true, header_key_format: preserveCase },
            http2_protocol_options,
          },
        }),
  });
}

/** Upstream options of captured traffic of which nothing else is said. */
export const transparentUpstream: JsonObject = upstreamWith({});

/** Upstream options of gRPC servers. */
export const grpcUpstream: JsonObject = upstreamHttp({ explicit_http_config: { http2_protocol_options: {} } });
