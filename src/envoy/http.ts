import { extension, repeatedExtension } from './extension.ts';
import type { Tree } from './flow-yaml.ts';

const preserveCase: Tree = {
  anchor: 'preserve case',
  content: {
    stateful_formatter: extension(
      'preserve_case',
      'envoy.extensions.http.header_formatters.preserve_case.v3.PreserveCaseFormatterConfig',
      { forward_reason_phrase: true },
    ),
  },
};

/** The last filter of every HTTP filter chain. Counters by status code are left to the listeners, which have them anyway. */
const router: Tree = {
  anchor: 'router',
  content: extension('router', 'envoy.extensions.filters.http.router.v3.Router', { dynamic_stats: false }),
};

/**
 * What a request or an answer may carry. Envoy's own limits, a hundred headers and 60 KiB, are below what many servers take.
 */
const mostHeaders = { max_headers_count: 2_000 } as const;
const mostHeaderKibibytes = 256;

/** What HTTP/1 connections may change into. Envoy refuses every other protocol, but h2c, which clients can do without. */
const upgrades: Tree = {
  anchor: 'upgrades',
  content: ['websocket', 'CONNECT', 'tcp', 'SPDY/3.1'].map((upgrade_type) => ({ upgrade_type })),
};

function connectionManager(fields: { readonly [key: string]: Tree }): Tree {
  return repeatedExtension(
    'http connection manager',
    'envoy.filters.network.http_connection_manager',
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    fields,
  );
}

/** Connection manager of captured traffic: as little of a proxy to see as Envoy can do. */
export function transparentHttp(direction: 'inbound' | 'outbound', routes: Tree): Tree {
  return connectionManager({
    stat_prefix: direction,
    route_config: routes,
    http_filters: [{ hole: 'grpcFilter' }, router],
    access_log: { hole: `${direction} http log` },
    http_protocol_options: {
      anchor: 'server http1',
      // HTTP/1.0 without a Host header is legal and old health checkers send it; Envoy wants a name for it.
      content: {
        accept_http_10: true,
        default_host_for_http_10: 'localhost',
        enable_trailers: true,
        allow_custom_methods: true,
        header_key_format: preserveCase,
      },
    },
    common_http_protocol_options: { anchor: 'headers', content: mostHeaders },
    max_request_headers_kb: mostHeaderKibibytes,
    // The server says whether it wants the body; its early hints pass the same way.
    proxy_100_continue: true,
    upgrade_configs: upgrades,
    '...tracing': { hole: 'tracing' },
    server_header_transformation: 'PASS_THROUGH',
    // Long polls and streams may be silent for longer than Envoy's five minutes.
    stream_idle_timeout: '0s',
  });
}

/** Connection manager of the proxy's own listener: exact paths, no log. */
export function ownHttp(name: string, filters: readonly Tree[], routes: Tree): Tree {
  return connectionManager({
    stat_prefix: name,
    // A redirect of the application counts as success; the kubelet must not follow it to a path that is not here.
    route_config: { virtual_hosts: [{ name, domains: ['*'], routes, response_headers_to_remove: ['location'] }] },
    http_filters: [...filters, router],
  });
}

const protocolOptions = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** HTTP settings of a cluster. */
function upstreamHttp(anchor: string, fields: { readonly [key: string]: Tree }): Tree {
  return {
    anchor,
    content: {
      [protocolOptions]: {
        '@type': { anchor: 'http options type', content: `type.googleapis.com/${protocolOptions}` },
        ...fields,
      },
    },
  };
}

/** The kubelet verifies nothing either; without the maximum Envoy stops at TLS 1.2. */
export const anyTls: Tree = {
  anchor: 'any tls',
  content: extension('tls', 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    common_tls_context: { tls_params: { tls_maximum_protocol_version: 'TLSv1_3' } },
  }),
};

/**
 * Upstream side of captured traffic: the protocol that the client speaks, and connections that are given up after one
 * idle second. Servers close idle connections without notice and Envoy does not read their `Keep-Alive` hint, so a
 * longer time loses requests; a new connection costs far less.
 */
export const transparentUpstream: Tree = upstreamHttp('transparent upstream', {
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
export const grpcUpstream: Tree = upstreamHttp('http2', { explicit_http_config: { http2_protocol_options: {} } });
