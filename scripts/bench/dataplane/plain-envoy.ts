import { addressFilling, applicationBinding, listenAddress } from '../../../src/envoy/addresses.ts';
import { extension, oneEndpoint } from '../../../src/envoy/extension.ts';
import { compile, fill, type Tree } from '../../../src/envoy/flow-yaml.ts';
import { ports } from '../../../src/settings/constants.ts';

function http(route: Tree): Tree {
  const router = extension('router', 'envoy.extensions.filters.http.router.v3.Router');
  const type = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  return extension('http', type, {
    stat_prefix: 'http',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [route] }] },
    http_filters: [router],
  });
}

function listener(name: string, port: number, route: Tree, listener_filters: readonly Tree[]): Tree {
  return { name, address: listenAddress(port), listener_filters, filter_chains: [{ filters: [http(route)] }] };
}

function forwarding(name: 'inbound' | 'outbound'): Tree {
  const original = extension('original_dst', 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst');
  return listener(name, ports[name], { match: { prefix: '/' }, route: { cluster: name } }, [original]);
}

function originalDestination(name: string, upstream_bind_config?: Tree): Tree {
  return { name, type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', upstream_bind_config };
}

const ready = { match: { path: '/healthz/ready' }, route: { cluster: 'admin', prefix_rewrite: '/ready' } };

const document = compile({
  admin: { address: { socket_address: { address: '127.0.0.1', port_value: ports.admin } } },
  static_resources: {
    listeners: [forwarding('inbound'), forwarding('outbound'), listener('status', ports.health, ready, [])],
    clusters: [
      originalDestination('inbound', applicationBinding),
      originalDestination('outbound'),
      { name: 'admin', load_assignment: oneEndpoint('admin', '127.0.0.1', ports.admin) },
    ],
  },
});

/**
 * The yardstick of the data plane: the least that makes an Envoy forward captured HTTP and say that it is ready. It has no
 * log, no metrics, no detection of protocols, and Envoy's own value of every option.
 */
export const plainBootstrap: string = fill(document, addressFilling(['v4', 'v6']), new Map());
