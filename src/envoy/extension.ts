import type { Json, JsonObject } from '../json/json.ts';

/** A message of one of Envoy's extension types, such as `envoy.extensions.filters.http.router.v3.Router`. */
export function typed(type: string, fields: JsonObject = {}): JsonObject {
  return { '@type': `type.googleapis.com/${type}`, ...fields };
}

/** An extension with its configuration; Envoy finds it by the type, so most names are only for people. */
export function extension(name: string, type: string, fields: JsonObject = {}): JsonObject {
  return { name, typed_config: typed(type, fields) };
}

/** Protobuf's Duration in JSON form. */
export function duration(milliseconds: number): string {
  return `${milliseconds / 1000}s`;
}

/** `envoy.config.core.v3.Address` of an IP address or a host name. */
export function socketAddress(address: string, port: number, more: JsonObject = {}): JsonObject {
  return { socket_address: { address, port_value: port, ...more } };
}

/** `envoy.config.endpoint.v3.ClusterLoadAssignment` of addresses that are all alike. */
export function loadAssignment(clusterName: string, addresses: readonly Json[]): JsonObject {
  return {
    cluster_name: clusterName,
    endpoints: [{ lb_endpoints: addresses.map((address) => ({ endpoint: { address } })) }],
  };
}
