import type { Tree } from './flow-yaml.ts';

interface Fields {
  readonly [key: string]: Tree | undefined;
}

/** A message of one of Envoy's extension types, such as `envoy.extensions.filters.http.router.v3.Router`. */
export function typed(type: string, fields: Fields = {}): Tree {
  return { '@type': `type.googleapis.com/${type}`, ...fields };
}

/** An extension with its configuration; Envoy finds it by the type, so most names are only for people. */
export function extension(name: string, type: string, fields: Fields = {}): Tree {
  return { name, typed_config: typed(type, fields) };
}

/** An extension that occurs several times with different fields: name and type are written once. */
export function repeatedExtension(anchor: string, name: string, type: string, fields: Fields): Tree {
  return {
    name: { anchor: `${anchor} name`, content: name },
    typed_config: { '@type': { anchor: `${anchor} type`, content: `type.googleapis.com/${type}` }, ...fields },
  };
}

/** Protobuf's Duration in JSON form. */
export function duration(milliseconds: number): string {
  return `${milliseconds / 1000}s`;
}

/** One endpoint in the shape that a static cluster wants. */
export function oneEndpoint(clusterName: Tree, address: Tree, port: Tree): Tree {
  return {
    cluster_name: clusterName,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address, port_value: port } } } }] }],
  };
}
