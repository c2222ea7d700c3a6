import type { JsonObject } from '../json/json.ts';
import { bufferBytes } from './buffers.ts';
import { extension, socketAddress } from './extension.ts';
import { metadataKeys } from './flows.ts';
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
  /** Which endpoint is picked: any that the cluster says, or the one that the client dials. */
  readonly choice: 'any' | 'dialled';
  /** What metrics say of the pod that has the address, if one has. */
  readonly peer: string | undefined;
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

/**
 * A connection that an endpoint does not take is offered to others, as often as fits into the time for which a kernel would dial:
 * which of them was tried before does not count. A cluster that picks by a hash gets that of the client's address.
 */
const attempts: Readonly<Record<ServiceListenerIntent['choice'], JsonObject>> = {
  any: { max_connect_attempts: 10, hash_policy: [{ source_ip: {} }] },
  dialled: {},
};

function chains({ target, protocol, choice }: ServiceListenerIntent, traffic: TrafficIntent): JsonObject {
  const flow = choice === 'dialled' ? 'headless' : 'service';
  const tcp = tcpFilter(traffic, flow, target, {
    stat_prefix: 'outbound',
    ...attempts[choice],
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
    ...(intent.peer === undefined
      ? {}
      : { metadata: { filter_metadata: { mesh: { [metadataKeys.peer]: intent.peer } } } }),
    ...chains(intent, traffic),
  };
}
