import type { JsonObject } from '../json/json.ts';
import { extension, typed } from './extension.ts';
import { isOfMesh, type Flow } from './flows.ts';
import { scriptFilter } from './lua.ts';

const type = 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig';

/**
 * Counts gRPC messages while they flow; the metrics page gives them Istio's names. Only routes of gRPC run it, because it takes
 * 6,000 instructions of every other request, too.
 */
export const grpcStats: JsonObject = { ...extension('grpc_stats', type), disabled: true };

/** Namespace of the metadata of a stream that has its numbers of messages. */
export const messagesKey = 'messages';

/** Hands those numbers to the access loggers, which cannot read what the filter before it keeps. Waiting does not hold up a response. */
const script = `function envoy_on_response(h)
h:trailers()
local s=h:streamInfo()
local request,response=tostring(s:filterState():get('envoy.filters.http.grpc_stats')):match('^(%d+),(%d+)$')
if request then
s:dynamicMetadata():set('${messagesKey}','request',tonumber(request))
s:dynamicMetadata():set('${messagesKey}','response',tonumber(response))
end
end`;

const ofMesh: readonly JsonObject[] = [
  { ...scriptFilter({ name: 'grpc_messages', script }), disabled: true },
  { ...extension('grpc_stats', type, { emit_filter_state: true }), disabled: true },
];

/**
 * Returns the filters that count gRPC messages. With a control plane, they are counted by both sides of a stream, when it ends: Envoy's own
 * counters are those of a cluster.
 */
export function messageFilters(flow: Flow): readonly JsonObject[] {
  return isOfMesh(flow) ? ofMesh : [grpcStats];
}

function running(...filters: readonly string[]): JsonObject {
  const enabled = typed('envoy.config.route.v3.FilterConfig', { config: {} });
  return Object.fromEntries(filters.map((name) => [name, enabled]));
}

/** Metadata of routes that says what protocol they are for, and the format string of it, which is empty for all but gRPC. */
export const routeProtocol = {
  grpc: { metadata: { filter_metadata: { protocol: { name: 'grpc' } } } },
  format: '%METADATA(ROUTE:protocol:name)%',
} as const;

/** What routes of gRPC say beside where to: which filters count messages, of a proxy without a control plane, or of one with it. */
export const grpcRoutes = {
  alone: { ...routeProtocol.grpc, typed_per_filter_config: running('grpc_stats') },
  ofMesh: { typed_per_filter_config: running('grpc_messages', 'grpc_stats') },
} as const;
