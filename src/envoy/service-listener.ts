import type { JsonObject } from '../json/json.ts';
import { bufferBytes } from './buffers.ts';
import { extension, socketAddress } from './extension.ts';
import { inspectAll, isHttp, isPlain, tlsInspector } from './inspection.ts';
import type { TrafficIntent } from './intent.ts';
import { keepAlive } from './keep-alive.ts';
import { httpFilter, inspection, tcpFilter } from './listeners.ts';
import { meshProtocols } from './mesh-tls.ts';

/** A listener for connections to one address and port of a Service, which are handed to it. */
export interface ServiceListenerIntent {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Name of the Service's cluster and of its routes. */
  readonly target: string;
  /**
   * `tcp` is forwarded as bytes from the start; `detect` is HTTP if its first bytes are, and `http` unless they are TLS: clients
   * and servers that speak TLS on a port that says `http` agree without a proxy.
   */
  readonly protocol: 'http' | 'tcp' | 'detect';
  /** Whether the client picks an endpoint, by its address. */
  readonly isHeadless: boolean;
  /** Whether the cluster picks an endpoint by the client's address. */
  readonly isSticky: boolean;
}

/** Tells the server that no HTTP is inside: a cluster says that there is. */
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

function chains(intent: ServiceListenerIntent, traffic: TrafficIntent): JsonObject {
  const { target, protocol, isHeadless, isSticky } = intent;
  const flow = isHeadless ? 'headless' : 'service';
  const tcp = tcpFilter(traffic, flow, target, {
    stat_prefix: 'outbound',
    ...(isSticky ? { hash_policy: [{ source_ip: {} }] } : {}),
  });
  const bytes = { default_filter_chain: { name: 'tcp', filters: [announceTcp, tcp] } };
  if (protocol === 'tcp') return bytes;
  const [listener_filters, filter_chain_match] = protocol === 'http' ? [[tlsInspector], isPlain] : [inspectAll, isHttp];
  return {
    listener_filters,
    ...inspection(traffic.settings.proxy),
    filter_chains: [{ name: 'http', filter_chain_match, filters: [httpFilter(traffic, flow, { rds: target })] }],
    ...bytes,
  };
}

/** Returns the listener, which binds to nothing: the outbound listener hands connections to it. */
export function serviceListener(intent: ServiceListenerIntent, traffic: TrafficIntent): JsonObject {
  return {
    name: intent.name,
    traffic_direction: 'OUTBOUND',
    address: socketAddress(intent.address, intent.port),
    bind_to_port: false,
    per_connection_buffer_limit_bytes: bufferBytes,
    tcp_keepalive: keepAlive,
    ...chains(intent, traffic),
  };
}
