import { ports } from '../pod/conventions.ts';
import type { JsonObject } from '../json/json.ts';
import type { PodSettings } from '../settings/effective.ts';
import { listenAddress, type Families } from './addresses.ts';
import { clusterNames } from './clusters.ts';
import { ownHttp } from './http.ts';
import { luaScripts } from './lua.ts';
import type { MetricsPage } from './metrics-page.ts';
import type { ProbeAnswers } from './probes.ts';

/** Returns a route to the admin interface that reports whether Envoy is live. */
function liveness(path: string): JsonObject {
  return { match: { path }, route: { cluster: clusterNames.admin, prefix_rewrite: '/ready' } };
}

/**
 * Returns the listener for the kubelet and Prometheus, on the ports for health, for Envoy's metrics and, unless it is
 * off, for the application's probes. It keeps answering when the proxy is overloaded, and it does not drain.
 */
export function statusListener(
  { statusPort }: Pick<PodSettings['proxy'], 'statusPort'>,
  families: Families,
  page: MetricsPage,
  probes: ProbeAnswers,
): JsonObject {
  const scripts = { ...page.scripts, ...probes.scripts };
  const further = statusPort === 0 ? [ports.metrics] : [ports.metrics, statusPort];
  return {
    name: 'status',
    address: listenAddress(ports.health, families),
    additional_addresses: further.map((port) => ({ address: listenAddress(port, families) })),
    ignore_global_conn_limit: true,
    bypass_overload_manager: true,
    ...(page.bufferBytes === undefined ? {} : { per_connection_buffer_limit_bytes: page.bufferBytes }),
    filter_chains: [
      {
        filters: [
          ownHttp(
            'status',
            [
              ...(Object.keys(scripts).length === 0 && page.usual === undefined
                ? []
                : [luaScripts(scripts, page.usual)]),
              ...probes.filters,
            ],
            [liveness('/healthz/ready'), liveness('/health'), page.route, ...probes.routes],
          ),
        ],
      },
    ],
  };
}
