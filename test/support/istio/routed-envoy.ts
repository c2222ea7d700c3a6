import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as send, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
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
import { envoyBinary } from '../network/envoy.ts';
import { until } from '../waiting.ts';
import { headersOf } from './echo-servers.ts';

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

/** A request of an application. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the application gets back; status 0 if nothing came for two seconds. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

export interface RoutedEnvoy {
  ask(proxy: string, call: Call): Promise<Answer>;
  stop(): Promise<void>;
}

/** Filters of Istio's own builds of Envoy; they decide on nothing here. */
const unknown: ReadonlySet<string> = new Set(['istio.metadata_exchange', 'istio.alpn', 'istio.stats']);

/** A request with this header goes to the destination whose share of the weights has its value, and not to one by luck. */
export const shareHeader = 'x-share';

/**
 * Leaves nothing to luck: weights are decided by a header of the request. Of several hashes only the first counts: istiod names the same one again for each
 * destination, which makes it another hash, and what calls have is the same for all of them.
 */
function decided(value: Json): Json {
  if (Array.isArray(value)) return value.map(decided);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]): [string, Json] => {
      const made = decided(one as Json);
      if (key === 'weighted_clusters') return [key, { ...(made as JsonObject), header_name: shareHeader }];
      return [key, key === 'hash_policy' && Array.isArray(made) ? made.slice(0, 1) : made];
    }),
  );
}

function managerOf({ manager, routes }: Proxied, prefix: string): JsonObject {
  const { rds: _, tracing: _tracing, access_log: _log, ...config } = objectMember(manager, 'typed_config') ?? {};
  const http_filters = objectsMember(config, 'http_filters').filter(
    (filter) => !unknown.has(stringMember(filter, 'name') ?? ''),
  );
  const route_config = { ...(decided(prefixed(routes, prefix)) as JsonObject), validate_clusters: false };
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

/** A cluster in plain text whose endpoints do not come from a control plane. */
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
  const assignment = endpoints.find((one) => stringMember(one, 'cluster_name') === name);
  const lb_endpoints = objectsMember(assignment, 'endpoints').flatMap((locality) =>
    objectsMember(locality, 'lb_endpoints').map((one) => endpointOf(one, portOf)),
  );
  return {
    ...rest,
    ...(isAsSaid === true && transport_socket !== undefined ? { transport_socket } : {}),
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

async function ask(agent: Agent, socketPath: string, { method, path: target, host, headers }: Call): Promise<Answer> {
  const signal = AbortSignal.timeout(2_000);
  const sent = send({ agent, socketPath, method, path: target, headers: { ...headers, host }, signal });
  sent.end();
  try {
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    let body = '';
    for await (const chunk of answer) body += String(chunk);
    return { status: answer.statusCode ?? 0, headers: headersOf(answer), body };
  } catch (error) {
    if (signal.aborted) return { status: 0, headers: {}, body: '' };
    throw error;
  }
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
    ask: (proxy, call) => ask(agent, at(proxy), call),
    async stop() {
      agent.destroy();
      const end = once(envoy, 'exit');
      envoy.kill('SIGKILL');
      await end;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
