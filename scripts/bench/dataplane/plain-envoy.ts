import { applicationBinding, listenAddress } from '../../../src/envoy/addresses.ts';
import { bootstrapWriter } from '../../../src/envoy/bootstrap-text.ts';
import { extension, loadAssignment, socketAddress } from '../../../src/envoy/extension.ts';
import { ports } from '../../../src/pod/conventions.ts';
import type { JsonObject } from '../../../src/json/json.ts';

const families = ['v4', 'v6'] as const;

function http(route: JsonObject): JsonObject {
  const router = extension('router', 'envoy.extensions.filters.http.router.v3.Router');
  const type = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  return extension('http', type, {
    stat_prefix: 'http',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [route] }] },
    http_filters: [router],
  });
}

function listener(name: string, port: number, route: JsonObject, filters: readonly JsonObject[]): JsonObject {
  const address = listenAddress(port, families);
  return { name, address, listener_filters: filters, filter_chains: [{ filters: [http(route)] }] };
}

function forwarding(name: 'inbound' | 'outbound'): JsonObject {
  const original = extension('original_dst', 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst');
  return listener(name, ports[name], { match: { prefix: '/' }, route: { cluster: name } }, [original]);
}

function originalDestination(name: string, binding?: JsonObject): JsonObject {
  return { name, type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', upstream_bind_config: binding };
}

const ready = { match: { path: '/healthz/ready' }, route: { cluster: 'admin', prefix_rewrite: '/ready' } };
const adminAddress = socketAddress('127.0.0.1', ports.admin);

/**
 * The yardstick of the data plane: the least that makes an Envoy forward captured HTTP and say that it is ready. It has no
 * log, no metrics, no detection of protocols, and Envoy's own value of every option.
 */
export const plainBootstrap: string = bootstrapWriter()({
  admin: { address: adminAddress },
  static_resources: {
    listeners: [forwarding('inbound'), forwarding('outbound'), listener('status', ports.health, ready, [])],
    clusters: [
      originalDestination('inbound', applicationBinding(families)),
      originalDestination('outbound'),
      { name: 'admin', load_assignment: loadAssignment('admin', [adminAddress]) },
    ],
  },
});
