import { parseQuantity } from '../grammar/quantity.ts';
import type { JsonObject } from '../json/json.ts';
import type { PodSettings } from '../settings/effective.ts';
import { extension } from './extension.ts';

/**
 * Memory of an Envoy without connections, and of one connection at its most: its server does not read an upload (178 to 202 KiB; a
 * client that does not read the response takes 140). Bytes.
 */
const idleBytes = 64 * 1024 ** 2;
const bytesPerConnection = 208 * 1024;

/**
 * Returns the maximum number of client connections: what fits into the memory limit, or a number that is never reached
 * without a limit.
 */
function mostConnections({
  maxConnections,
  resources,
}: Pick<PodSettings['proxy'], 'maxConnections' | 'resources'>): number {
  if (maxConnections !== undefined) return maxConnections;
  const limit = resources.limits.memory;
  if (limit === undefined) return 50_000;
  return Math.max(100, Math.floor(((parseQuantity(limit) ?? 0) - idleBytes) / bytesPerConnection));
}

/** Most connections to the status listener: kubelets and scrapers have some dozens, and each takes 16 KiB of headers. */
const mostStatusConnections = 500;

/**
 * Envoy ends an HTTP/2 connection of which 250 streams are reset within a second of their beginning. Requests with short
 * deadlines are like that. The setting is one for all listeners; the proxy's own ones do not speak HTTP/2.
 */
const cancelledStreams: JsonObject = { 'overload.premature_reset_total_stream_count': 1_000_000_000 };

/**
 * `envoy.config.bootstrap.v3.LayeredRuntime` with the listeners' own bounds. Clients take three quarters of all connections
 * at most, so that they never take the application's way out.
 *
 * @param more other bounds
 */
export function listenerLimits(
  proxy: Pick<PodSettings['proxy'], 'maxConnections' | 'resources'>,
  more: JsonObject = {},
): JsonObject {
  const inbound = Math.max(1, Math.floor(mostConnections(proxy) * 0.75));
  const limits = { virtualInbound: inbound, status: mostStatusConnections };
  const static_layer = Object.fromEntries(
    Object.entries(limits).map(([name, most]) => [`envoy.resource_limits.listener.${name}.connection_limit`, most]),
  );
  return { layers: [{ name: 'limits', static_layer: { ...static_layer, ...cancelledStreams, ...more } }] };
}

/** Returns the `envoy.config.overload.v3.OverloadManager` that keeps the proxy below its memory limit. */
export function overloadManager(proxy: Pick<PodSettings['proxy'], 'maxConnections' | 'resources'>): JsonObject {
  return {
    resource_monitors: [
      extension(
        'envoy.resource_monitors.global_downstream_max_connections',
        'envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig',
        { max_active_downstream_connections: mostConnections(proxy) },
      ),
    ],
  };
}
