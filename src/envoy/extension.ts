import type { Json, JsonObject } from '../json/json.ts';

/** Returns a message of an Envoy extension type, such as `envoy.extensions.filters.http.router.v3.Router`. */
export function typed(type: string, fields: JsonObject = {}): JsonObject {
  return { '@type': `type.googleapis.com/${type}`, ...fields };
}

/** Returns an extension with its configuration. Envoy finds it by type, so most names only help the reader. */
export function extension(name: string, type: string, fields: JsonObject = {}): JsonObject {
  return { name, typed_config: typed(type, fields) };
}

/** Returns the same for an access logger or its filter, which need no name. */
export function unnamed(type: string, fields: JsonObject): JsonObject {
  return { typed_config: typed(type, fields) };
}

/** Returns a number of milliseconds as the JSON form of a Protobuf Duration. */
export function duration(milliseconds: number): string {
  return `${milliseconds / 1000}s`;
}

/** Returns the `envoy.config.core.v3.Address` of an IP address or host name. */
export function socketAddress(address: string, port: number, more: JsonObject = {}): JsonObject {
  return { socket_address: { address, port_value: port, ...more } };
}

/** Returns an `envoy.config.endpoint.v3.ClusterLoadAssignment` with one endpoint for each address, all equal. */
export function loadAssignment(clusterName: string, addresses: readonly Json[]): JsonObject {
  return {
    cluster_name: clusterName,
    endpoints: [{ lb_endpoints: addresses.map((address) => ({ endpoint: { address } })) }],
  };
}
