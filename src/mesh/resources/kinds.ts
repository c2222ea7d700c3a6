/** Kinds of resources that a proxy asks for, by the name of the message that carries one (without `type.googleapis.com/`). */
export const resourceTypes = {
  cluster: 'envoy.config.cluster.v3.Cluster',
  endpoints: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'envoy.config.listener.v3.Listener',
  routes: 'envoy.config.route.v3.RouteConfiguration',
  secret: 'envoy.extensions.transport_sockets.tls.v3.Secret',
} as const;

/** One of the five kinds of resources. */
export type Kind = keyof typeof resourceTypes;

/** Which resource is meant. */
export type ResourceName = readonly [kind: Kind, name: string];

/** All kinds, in the order in which a change is sent: what is referred to comes before what refers to it. */
export const kinds = ['secret', 'cluster', 'endpoints', 'listener', 'routes'] as const satisfies readonly Kind[];

const prefix = 'type.googleapis.com/';

/** Returns the type URL of a kind, as it is written in discovery requests. */
export function typeUrl(kind: Kind): string {
  return prefix + resourceTypes[kind];
}

const byUrl: ReadonlyMap<string, Kind> = new Map(kinds.map((kind) => [typeUrl(kind), kind]));

/** Returns the kind of a type URL, or undefined for one that is not served. */
export function kindOf(url: string): Kind | undefined {
  return byUrl.get(url);
}
