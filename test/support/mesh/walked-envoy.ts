import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { connect as connectHttp2, constants } from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  isObject,
  objectMember,
  objectsMember,
  stringMember,
  type Json,
  type JsonObject,
} from '../../../src/json/json.ts';
import type { Request } from '../../../src/mesh/explain/request.ts';
import type { Resource } from '../../../src/mesh/resources/resource.ts';
import { decidedByHeaders } from '../istio/decided-routes.ts';
import { envoyBinary } from '../network/envoy.ts';
import { until } from '../waiting.ts';

/*
 * One real Envoy with many configurations of a client, each behind a socket of its own. What it does to a request shows in headers of the
 * answer: routes are named by their places, and the server tells what it has got.
 */

/** What has become of a request. */
export interface Met {
  readonly status: number;
  readonly grpcStatus: number | undefined;
  /** Place of the route; undefined if none took the request, or if a filter has answered before. */
  readonly route: number | undefined;
  readonly cluster: string | undefined;
  /** What the server has got. */
  readonly path: string | undefined;
  readonly authority: string | undefined;
  readonly location: string | undefined;
  /** Of `watchedHeaders`, the first values that the server has got, and what the client has, with several values joined. */
  readonly got: Readonly<Record<string, string>>;
  readonly answered: Readonly<Record<string, string>>;
}

/** Headers that are told both ways; the server answers with `serverHeaders`. */
export const watchedHeaders = ['a', 'b', 'c', 'd', 'e'] as const;

/** Headers of the server's answers. */
export const serverHeaders: Readonly<Record<string, string>> = { a: 'app', d: 'app', e: 'app' };

/** A configuration, and the listener whose requests are watched. */
export interface Watched {
  readonly resources: readonly Resource[];
  readonly listener: string;
}

/** An Envoy that runs. */
export interface WalkedEnvoy {
  ask(configuration: number, request: Request): Promise<Met>;
  stop(): Promise<void>;
}

function httpManager(routes: JsonObject, more: JsonObject = {}): JsonObject {
  const type = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
  const router = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' };
  return {
    name: 'http',
    typed_config: {
      '@type': type,
      stat_prefix: 'server',
      route_config: routes,
      http_filters: [{ name: 'router', typed_config: router }],
      upgrade_configs: [{ upgrade_type: 'CONNECT' }],
      ...more,
    },
  };
}

function told(headers: Readonly<Record<string, string>>): JsonObject[] {
  return Object.entries(headers).map(([key, value]) => ({
    header: { key, value },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  }));
}

/** A server that answers everything with what it has got. */
function server(pipe: string): JsonObject {
  const routes = [{ prefix: '/' }, { connect_matcher: {} }].map((match) => ({
    match,
    direct_response: { status: 200 },
  }));
  const response_headers_to_add = told({
    ...serverHeaders,
    'x-got-path': '%REQ(:PATH)%',
    'x-got-host': '%REQ(:AUTHORITY)%',
    ...Object.fromEntries(watchedHeaders.map((name) => [`x-got-${name}`, `%REQ(${name})%`])),
  });
  const hosts = [{ name: 'all', domains: ['*'], routes }];
  return {
    name: 'server',
    address: { pipe: { path: pipe } },
    filter_chains: [{ filters: [httpManager({ virtual_hosts: hosts, response_headers_to_add })] }],
  };
}

/** Returns a value in which members are others: what would make an answer late, or an application's answer unlike. */
function without(value: Json, dropped: ReadonlySet<string>): Json {
  if (Array.isArray(value)) return value.map((one: Json) => without(one, dropped));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([key, one]) => one !== undefined && !dropped.has(key));
  return Object.fromEntries(kept.map(([key, one]) => [key, without(one as Json, dropped)]));
}

const late = new Set(['timeout', 'per_try_timeout', 'max_stream_duration', 'delay']);

function mapObjects(
  object: JsonObject,
  key: string,
  change: (one: JsonObject, index: number) => JsonObject,
): JsonObject {
  const list = objectsMember(object, key);
  return list.length === 0 ? object : { ...object, [key]: list.map(change) };
}

/** Routes with their places as names, clusters of this configuration alone, and answers that tell both. */
function watchedRoutes(routes: JsonObject, prefix: string): JsonObject {
  const renamed = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(renamed);
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [
        key,
        (key === 'cluster' || key === 'name') && typeof one === 'string' && one.startsWith('outbound|')
          ? `${prefix}${one}`
          : renamed(one as Json),
      ]),
    );
  };
  const named = mapObjects(routes, 'virtual_hosts', (host) =>
    mapObjects(host, 'routes', (route, index) => ({ ...route, name: String(index) })),
  );
  return {
    ...(decidedByHeaders(renamed(without(named, late))) as JsonObject),
    response_headers_to_add: told({ 'x-route': '%ROUTE_NAME%', 'x-cluster': '%UPSTREAM_CLUSTER%' }),
    validate_clusters: false,
  };
}

function watchedListener({ resources, listener }: Watched, index: number, pipe: string): JsonObject {
  const find = (kind: Resource['kind'], name: string): JsonObject =>
    resources.find((one) => one.kind === kind && one.name === name)?.json ?? {};
  const json = without(
    find('listener', listener),
    new Set(['tcp_keepalive', 'bind_to_port', 'access_log']),
  ) as JsonObject;
  const inline = (filter: JsonObject): JsonObject => {
    const config = objectMember(filter, 'typed_config') ?? {};
    const name = stringMember(objectMember(config, 'rds'), 'route_config_name');
    if (name === undefined) return filter;
    const { rds: _, ...rest } = config;
    return { ...filter, typed_config: { ...rest, route_config: watchedRoutes(find('routes', name), `${index}/`) } };
  };
  return {
    ...mapObjects(json, 'filter_chains', (chain) => mapObjects(chain, 'filters', inline)),
    default_filter_chain: { filters: [] },
    name: `listener-${index}`,
    address: { pipe: { path: pipe } },
  };
}

/** A cluster of a configuration, which leads to the server, whatever its endpoints are. */
function watchedCluster(name: string, pipe: string): JsonObject {
  const endpoint = { address: { pipe: { path: pipe } } };
  return {
    name,
    load_assignment: { cluster_name: name, endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  };
}

function watched(header: (name: string) => string | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    watchedHeaders.flatMap((name) => {
      const value = header(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

function metOf(status: number, header: (name: string) => string | undefined, index: number): Met {
  const [route, grpcStatus] = [header('x-route'), header('grpc-status')];
  return {
    status,
    grpcStatus: grpcStatus === undefined ? undefined : Number(grpcStatus),
    route: route === undefined ? undefined : Number(route),
    cluster: header('x-cluster')?.slice(`${index}/`.length),
    path: header('x-got-path'),
    authority: header('x-got-host'),
    location: header('location'),
    got: watched((name) => header(`x-got-${name}`)),
    answered: watched(header),
  };
}

async function askHttp1(pipe: string, request: Request, index: number): Promise<Met> {
  const { method, path: target, authority, headers } = request;
  const lines = [
    `${method} ${method === 'CONNECT' ? authority : target} HTTP/1.1`,
    `host: ${authority}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    'content-length: 0',
  ];
  const socket = connect(pipe);
  socket.write(
    `${lines.filter((line) => method !== 'CONNECT' || !line.startsWith('content-length')).join('\r\n')}\r\n\r\n`,
  );
  let text = '';
  for await (const chunk of socket) {
    text += String(chunk);
    if (text.includes('\r\n\r\n')) break;
  }
  socket.destroy();
  const [status = '', ...fields] = (text.split('\r\n\r\n', 1)[0] ?? '').split('\r\n');
  const found = new Map<string, string>();
  for (const line of fields) {
    const [name, value] = [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)];
    found.set(name, found.has(name) ? `${found.get(name)}, ${value}` : value);
  }
  return metOf(Number(status.split(' ')[1]), (name) => found.get(name), index);
}

async function askHttp2(pipe: string, request: Request, index: number): Promise<Met> {
  const session = connectHttp2('http://localhost', { createConnection: () => connect(pipe) });
  const { method, path: target, authority, headers } = request;
  const stream = session.request(
    {
      ':method': method,
      ':authority': authority,
      ...(method === 'CONNECT' ? {} : { ':path': target, ':scheme': 'http' }),
      ...Object.fromEntries(headers),
    },
    { endStream: method !== 'CONNECT' },
  );
  const [answer] = (await once(stream, 'response')) as [Record<string, string | number>];
  stream.close(constants.NGHTTP2_CANCEL);
  session.destroy();
  const header = (name: string): string | undefined => (answer[name] === undefined ? undefined : String(answer[name]));
  return metOf(Number(answer[':status']), header, index);
}

/** Starts an Envoy with these configurations. */
export async function startWalkedEnvoy(watched: readonly Watched[]): Promise<WalkedEnvoy> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-walk-'));
  const at = (name: string | number): string => path.join(folder, String(name));
  const clusters = watched.flatMap(({ resources }, index) =>
    resources.flatMap(({ kind, name }) =>
      kind === 'cluster' && name.startsWith('outbound|') ? [watchedCluster(`${index}/${name}`, at('server'))] : [],
    ),
  );
  const listeners = watched.map((one, index) => watchedListener(one, index, at(index)));
  const config = {
    node: { id: 'test', cluster: 'test' },
    static_resources: { clusters, listeners: [...listeners, server(at('server'))] },
    layered_runtime: { layers: [{ name: 'static', static_layer: { 're2.max_program_size.error_level': 32_768 } }] },
  };
  writeFileSync(at('envoy.json'), JSON.stringify(config));
  const words = [
    '--config-path',
    at('envoy.json'),
    '--concurrency',
    '1',
    '--disable-hot-restart',
    '--log-level',
    'error',
  ];
  const envoy = spawn(envoyBinary(), words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  envoy.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await until(
    () => `Envoy:\n${log.slice(-4000)}`,
    () => {
      if (envoy.exitCode !== null) throw new Error(`Envoy has ended:\n${log.slice(-4000)}`);
      return existsSync(at('server')) ? true : undefined;
    },
  );
  return {
    ask: (configuration, request) =>
      (request.isHttp2 === true ? askHttp2 : askHttp1)(at(configuration), request, configuration),
    async stop() {
      const end = once(envoy, 'exit');
      envoy.kill('SIGKILL');
      await end;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
