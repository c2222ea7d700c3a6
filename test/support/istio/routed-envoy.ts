import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  isObject,
  member,
  objectMember,
  objectsMember,
  stringMember,
  type Json,
  type JsonObject,
} from '../../../src/json/json.ts';
import { extension } from '../../../src/envoy/extension.ts';
import { envoyBinary } from '../network/envoy.ts';
import { until } from '../waiting.ts';
import { decidedByHeaders } from './decided-routes.ts';
import { ask, askHttp2, flagsHeader, openCaptured, type Answer, type Call } from './requests.ts';

/*
 * One real Envoy with the listeners of many proxies, each behind a socket of its own, and with endpoints that are servers on this machine.
 */

/** What one proxy is told of calls to one address. */
export interface Proxied {
  /** The HTTP connection manager (a network filter). */
  readonly manager: JsonObject;
  readonly routes: JsonObject;
  readonly clusters: readonly JsonObject[];
  /** `ClusterLoadAssignment`s. */
  readonly endpoints: readonly JsonObject[];
  /** Whether endpoints are called as the clusters say, and not in plain text. */
  readonly isAsSaid?: boolean;
}

export interface RoutedEnvoy {
  ask(proxy: string, call: Call): Promise<Answer>;
  stop(): Promise<void>;
}

/** Filters of Istio's own builds of Envoy; they decide on nothing here. */
const unknown: ReadonlySet<string> = new Set(['istio.metadata_exchange', 'istio.alpn', 'istio.stats']);

const withFlags = {
  header: { key: flagsHeader, value: '%RESPONSE_FLAGS%' },
  append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
};

function managerOf({ manager, routes }: Proxied, prefix: string): JsonObject {
  const { rds: _, tracing: _tracing, access_log: _log, ...config } = objectMember(manager, 'typed_config') ?? {};
  const http_filters = objectsMember(config, 'http_filters').filter(
    (filter) => !unknown.has(stringMember(filter, 'name') ?? ''),
  );
  const decided = decidedByHeaders(prefixed(routes, prefix)) as JsonObject;
  const response_headers_to_add = [...objectsMember(decided, 'response_headers_to_add'), withFlags];
  const route_config = { ...decided, response_headers_to_add, validate_clusters: false };
  return { ...manager, typed_config: { ...config, http_filters, route_config } };
}

/** Names of clusters are those of one proxy. */
function prefixed(value: Json, prefix: string): Json {
  if (Array.isArray(value)) return value.map((one: Json) => prefixed(one, prefix));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      (key === 'cluster' || key === 'name') && typeof one === 'string' && one.startsWith('outbound|')
        ? `${prefix}${one}`
        : prefixed(one as Json, prefix),
    ]),
  );
}

function endpointOf(endpoint: JsonObject, portOf: (server: string) => number): JsonObject {
  const socket = objectMember(objectMember(objectMember(endpoint, 'endpoint'), 'address'), 'socket_address');
  const server = `${stringMember(socket, 'address')}:${Number(member(socket, 'port_value'))}`;
  return {
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: portOf(server) } } },
  };
}

/** A cluster in plain text whose endpoints do not come from a control plane, or that dials what the application has dialled. */
function clusterOf(
  cluster: JsonObject,
  { endpoints, isAsSaid }: Proxied,
  prefix: string,
  portOf: (server: string) => number,
): JsonObject {
  const name = stringMember(cluster, 'name') ?? '';
  const {
    eds_cluster_config: _source,
    transport_socket,
    transport_socket_matches: _sockets,
    filters: _filters,
    metadata: _metadata,
    alt_stat_name: _alt,
    ...rest
  } = cluster;
  const own = { ...rest, ...(isAsSaid === true && transport_socket !== undefined ? { transport_socket } : {}) };
  if (stringMember(cluster, 'type') === 'ORIGINAL_DST') return { ...own, name: `${prefix}${name}` };
  const assignment = endpoints.find((one) => stringMember(one, 'cluster_name') === name);
  const lb_endpoints = objectsMember(assignment, 'endpoints').flatMap((locality) =>
    objectsMember(locality, 'lb_endpoints').map((one) => endpointOf(one, portOf)),
  );
  return {
    ...own,
    name: `${prefix}${name}`,
    type: 'STATIC',
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints }] },
  };
}

/** The clusters that routes name. */
function named(proxied: Proxied): readonly JsonObject[] {
  const text = JSON.stringify(proxied.routes);
  return proxied.clusters.filter((cluster) => {
    const name = stringMember(cluster, 'name') ?? '';
    return name.startsWith('outbound|') && text.includes(JSON.stringify(name));
  });
}

/** True if somebody listens there; a socket exists before it is listened to. */
async function accepts(socketPath: string): Promise<true | undefined> {
  const socket = connect(socketPath);
  const found = await once(socket, 'connect').then(
    () => true as const,
    () => undefined,
  );
  socket.destroy();
  return found;
}

/** Connections without a first line of that protocol are taken, too. */
const capturedAddresses = extension(
  'envoy.filters.listener.proxy_protocol',
  'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol',
  { allow_requests_without_proxy_protocol: true },
);

/** Starts an Envoy with these proxies, by name; servers are found by the address and port of their endpoint. */
export async function startRoutedEnvoy(
  proxies: ReadonlyMap<string, Proxied>,
  portOf: (server: string) => number,
): Promise<RoutedEnvoy> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-routed-'));
  const at = (name: string): string => path.join(folder, name);
  const all = [...proxies].map(([name, proxied]) => ({ name, proxied, prefix: `${name}/` }));
  const clusters = new Map(
    all.flatMap(({ proxied, prefix }) =>
      named(proxied).map((cluster) => {
        const made = clusterOf(cluster, proxied, prefix, portOf);
        return [stringMember(made, 'name') ?? '', made] as const;
      }),
    ),
  );
  const listeners = all.map(({ name, proxied, prefix }) => ({
    name,
    address: { pipe: { path: at(name) } },
    listener_filters: [capturedAddresses],
    filter_chains: [{ filters: [managerOf(proxied, prefix)] }],
  }));
  const config = {
    node: { id: 'test', cluster: 'test' },
    static_resources: { clusters: [...clusters.values()], listeners },
    layered_runtime: { layers: [{ name: 'static', static_layer: { 're2.max_program_size.error_level': 32_768 } }] },
  };
  writeFileSync(at('envoy.json'), JSON.stringify(config));
  const words = ['--config-path', at('envoy.json'), '--concurrency', '1', '--disable-hot-restart', '--log-level'];
  const envoy = spawn(envoyBinary(), [...words, 'error'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  envoy.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const last = all.at(-1)?.name ?? '';
  await until(
    () => `Envoy:\n${log.slice(-4000)}`,
    () => {
      if (envoy.exitCode !== null) throw new Error(`Envoy has ended:\n${log.slice(-4000)}`);
      return accepts(at(last));
    },
  );
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  return {
    ask(proxy, call) {
      const { connection, isHttp2 } = call;
      const socketPath = at(proxy);
      const open = (): Socket =>
        connection === undefined
          ? connect(socketPath)
          : openCaptured(socketPath, connection.source, portOf(connection.dialled));
      if (isHttp2 === true) return askHttp2(open, call);
      return ask(connection === undefined ? { agent, socketPath } : { createConnection: open }, call);
    },
    async stop() {
      agent.destroy();
      const end = once(envoy, 'exit');
      envoy.kill('SIGKILL');
      await end;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
