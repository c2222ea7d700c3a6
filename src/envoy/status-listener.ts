import { ports } from '../settings/constants.ts';
import { listenAddress } from './addresses.ts';
import { compile, type Filling, type Tree } from './flow-yaml.ts';
import { ownHttp } from './http.ts';

/** Answered by the admin interface: whether Envoy is live. */
function liveness(path: string): Tree {
  return { match: { path }, route: { anchor: 'ready', content: { cluster: 'admin', prefix_rewrite: '/ready' } } };
}

/**
 * What kubelet and Prometheus ask for: one listener on the ports for health, for Envoy's metrics and, unless it is
 * switched off, for the application's probes. It keeps answering when the proxy is full, and it does not drain.
 */
export const statusListener: Tree = {
  name: 'status',
  address: listenAddress(ports.health),
  additional_addresses: [{ address: listenAddress(ports.metrics) }, { hole: 'statusAddress' }],
  ignore_global_conn_limit: true,
  bypass_overload_manager: true,
  '...buffer': { hole: 'pageBuffer' },
  filter_chains: [
    {
      filters: [
        ownHttp(
          'status',
          [{ hole: 'metricsFilter' }, { hole: 'probeFilters' }],
          [liveness('/healthz/ready'), liveness('/health'), { hole: 'metricsRoute' }, { hole: 'probeRoutes' }],
        ),
      ],
    },
  ],
};

const oneMore = [',', ...compile({ address: listenAddress({ hole: 'statusPort' }) })];

/** Fillings of the holes for the status port, which may be switched off. */
export function statusFilling(port: number | undefined): Filling {
  return port === undefined ? { statusAddress: '' } : { statusAddress: oneMore, statusPort: String(port) };
}
