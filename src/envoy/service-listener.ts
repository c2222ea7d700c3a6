import type { JsonObject } from '../json/json.ts';
import { bufferBytes } from './buffers.ts';
import { duration, extension, socketAddress } from './extension.ts';
import { transparentHttp } from './http.ts';
import { inspectAll, isHttp } from './inspection.ts';
import { keepAlive } from './keep-alive.ts';
import { tcpProxy } from './listeners.ts';
import { meshProtocols } from './mesh-tls.ts';
import { grpcStats } from './metrics.ts';

/** A listener for connections to one address and port of a Service, which are handed to it. */
export interface ServiceListenerIntent {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Name of the Service's cluster and of its routes. */
  readonly target: string;
  readonly protocol: 'http' | 'tcp' | 'detect';
  /** How long to wait for a client's first bytes where the protocol has to be detected. */
  readonly detectionTimeoutMs: number;
  /** Whether gRPC messages are counted. */
  readonly countsMessages: boolean;
  readonly accessLog: { readonly http: readonly JsonObject[]; readonly tcp: readonly JsonObject[] };
  readonly logOptions: JsonObject | undefined;
  readonly tracing: JsonObject | undefined;
}

/** Tells the server that no HTTP is inside, where the cluster says otherwise because it serves both. */
const announceTcp: JsonObject = extension(
  'announce_tcp',
  'envoy.extensions.filters.network.set_filter_state.v3.Config',
  {
    on_new_connection: [
      {
        object_key: 'envoy.network.application_protocols',
        format_string: { text_format_source: { inline_string: meshProtocols.tcp } },
        shared_with_upstream: 'ONCE',
      },
    ],
  },
);

function httpFilter({ target, countsMessages, accessLog, tracing }: ServiceListenerIntent): JsonObject {
  return transparentHttp({
    name: 'outbound',
    routes: { rds: target },
    filters: countsMessages ? [grpcStats] : [],
    accessLog: accessLog.http,
    tracing,
  });
}

function tcpFilter({ target, accessLog, logOptions }: ServiceListenerIntent): JsonObject {
  return tcpProxy(target, {
    stat_prefix: 'outbound',
    idle_timeout: '0s',
    access_log: accessLog.tcp,
    ...(logOptions === undefined ? {} : { access_log_options: logOptions }),
  });
}

function chains(intent: ServiceListenerIntent): JsonObject {
  switch (intent.protocol) {
    case 'http':
      return { filter_chains: [{ name: 'http', filters: [httpFilter(intent)] }] };
    case 'tcp':
      return { filter_chains: [{ name: 'tcp', filters: [tcpFilter(intent)] }] };
    case 'detect':
      return {
        listener_filters: inspectAll,
        listener_filters_timeout: duration(intent.detectionTimeoutMs),
        continue_on_listener_filters_timeout: true,
        filter_chains: [{ name: 'http', filter_chain_match: isHttp, filters: [httpFilter(intent)] }],
        default_filter_chain: { name: 'tcp', filters: [announceTcp, tcpFilter(intent)] },
      };
  }
}

/** Returns the listener, which binds to nothing: the outbound listener hands connections to it. */
export function serviceListener(intent: ServiceListenerIntent): JsonObject {
  return {
    name: intent.name,
    traffic_direction: 'OUTBOUND',
    address: socketAddress(intent.address, intent.port),
    bind_to_port: false,
    per_connection_buffer_limit_bytes: bufferBytes,
    tcp_keepalive: keepAlive,
    ...chains(intent),
  };
}
