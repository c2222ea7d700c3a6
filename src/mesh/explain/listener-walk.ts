import { member, objectMember, objectsMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import type { Resource } from '../resources/resource.ts';
import type { Kind } from '../resources/kinds.ts';

/** What one proxy has, by kind and name. */
export interface ProxyConfiguration {
  find(kind: Kind, name: string): JsonObject | undefined;
  readonly listeners: readonly JsonObject[];
}

/** Returns what a proxy has that was sent these resources. Of two with one name, the first counts. */
export function proxyConfiguration(resources: readonly Resource[]): ProxyConfiguration {
  const byName = new Map(resources.toReversed().map(({ kind, name, json }) => [`${kind} ${name}`, json]));
  return {
    find: (kind, name) => byName.get(`${kind} ${name}`),
    listeners: resources.filter(({ kind }) => kind === 'listener').map(({ json }) => json),
  };
}

/** A connection as a client's application opens it. */
export interface Connection {
  readonly address: string;
  readonly port: number;
  /** What the client begins to say: HTTP, TLS, or bytes of anything else. */
  readonly speaks: 'http' | 'tls' | 'bytes';
  /** Application protocol that it offers in TLS. */
  readonly alpn?: string;
}

function isAt(listener: JsonObject, { address, port }: Connection): boolean {
  const socket = objectMember(objectMember(listener, 'address'), 'socket_address');
  return stringMember(socket, 'address') === address && member(socket, 'port_value') === port;
}

/** Evaluates a `ListenerFilterChainMatchPredicate`; undefined is one that is not there. */
function predicateHolds(predicate: JsonObject, port: number): boolean {
  const [not, or, range] = ['not_match', 'or_match', 'destination_port_range'].map((key) =>
    objectMember(predicate, key),
  );
  if (not !== undefined) return !predicateHolds(not, port);
  if (or !== undefined) return objectsMember(or, 'rules').some((rule) => predicateHolds(rule, port));
  return Number(member(range, 'start')) <= port && port < Number(member(range, 'end'));
}

/** Whether a listener filter looks at a connection. */
function isInspecting(listener: JsonObject, filter: string, port: number): boolean {
  return objectsMember(listener, 'listener_filters').some((one) => {
    const disabled = objectMember(one, 'filter_disabled');
    return stringMember(one, 'name') === filter && (disabled === undefined || !predicateHolds(disabled, port));
  });
}

function includes(list: Json | undefined, item: string | undefined): boolean {
  return list === undefined || (Array.isArray(list) && list.includes(item));
}

/** Returns the filter chain of a connection (`FilterChainMatch`; of several that match, one for a port comes first). */
function chainOf(listener: JsonObject, { port, speaks, alpn }: Connection): JsonObject | undefined {
  const isTls = speaks === 'tls' && isInspecting(listener, 'tls_inspector', port);
  const transport = isTls ? 'tls' : 'raw_buffer';
  const isHttp = speaks === 'http' && isInspecting(listener, 'http_inspector', port);
  const application = isTls ? alpn : isHttp ? 'http/1.1' : undefined;
  const matching = objectsMember(listener, 'filter_chains').filter((chain) => {
    const match = objectMember(chain, 'filter_chain_match');
    return (
      [undefined, port].includes(member(match, 'destination_port') as number | undefined) &&
      [undefined, transport].includes(stringMember(match, 'transport_protocol')) &&
      includes(member(match, 'application_protocols'), application)
    );
  });
  const ofPort = matching.find(
    (chain) => member(objectMember(chain, 'filter_chain_match'), 'destination_port') === port,
  );
  return ofPort ?? matching[0] ?? objectMember(listener, 'default_filter_chain');
}

/** Where a connection is read: by a connection manager, whose routes decide, or as bytes for one cluster. */
type Reading =
  | { readonly type: 'http'; readonly manager: JsonObject; readonly routes: JsonObject }
  | { readonly type: 'bytes'; readonly cluster: string };

/** The listener and filter chain that take a connection. */
export interface ListenerWalk {
  readonly listener: string;
  readonly chain: JsonObject;
  readonly reading: Reading;
}

function readingOf(chain: JsonObject, configuration: ProxyConfiguration): Reading {
  const configs = objectsMember(chain, 'filters').map((filter) => objectMember(filter, 'typed_config'));
  const manager = configs.find((config) => (stringMember(config, '@type') ?? '').endsWith('.HttpConnectionManager'));
  if (manager === undefined) {
    const proxy = configs.find((config) => stringMember(config, 'cluster') !== undefined);
    return { type: 'bytes', cluster: stringMember(proxy, 'cluster') ?? '' };
  }
  const name = stringMember(objectMember(manager, 'rds'), 'route_config_name');
  const routes = name === undefined ? objectMember(manager, 'route_config') : configuration.find('routes', name);
  return { type: 'http', manager, routes: routes ?? {} };
}

function walk(configuration: ProxyConfiguration, listener: JsonObject, connection: Connection): ListenerWalk {
  const chain = chainOf(listener, connection) ?? {};
  return { listener: stringMember(listener, 'name') ?? '', chain, reading: readingOf(chain, configuration) };
}

/** Finds the listener and filter chain of an outbound connection: that of its address, or else the one for all others. */
export function walkOutbound(configuration: ProxyConfiguration, connection: Connection): ListenerWalk {
  const own = configuration.listeners.find((listener) => isAt(listener, connection));
  return walk(configuration, own ?? configuration.find('listener', 'virtualOutbound') ?? {}, connection);
}

/** Finds the filter chain of a connection to a pod. */
export function walkInbound(configuration: ProxyConfiguration, connection: Connection): ListenerWalk {
  return walk(configuration, configuration.find('listener', 'virtualInbound') ?? {}, connection);
}
