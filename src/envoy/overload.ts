import { parseQuantity } from '../grammar/quantity.ts';
import type { JsonObject } from '../json/json.ts';
import type { Effective } from '../settings/effective.ts';
import { extension } from './extension.ts';

/** Memory of an Envoy without connections, and what one of them takes with a request under way in it. */
const idleBytes = 64 * 1024 ** 2;
const bytesPerConnection = 64 * 1024;

/** Most open client connections: what the memory limit has room for, a number that is never reached without one. */
function mostConnections({
  maxConnections,
  resources,
}: Pick<Effective['proxy'], 'maxConnections' | 'resources'>): number {
  if (maxConnections !== undefined) return maxConnections;
  const limit = resources.limits.memory;
  if (limit === undefined) return 50_000;
  return Math.max(100, Math.floor(((parseQuantity(limit) ?? 0) - idleBytes) / bytesPerConnection));
}

/** `envoy.config.overload.v3.OverloadManager`: what keeps the proxy below its memory limit. */
export function overloadManager(proxy: Pick<Effective['proxy'], 'maxConnections' | 'resources'>): JsonObject {
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
