import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { Duplex } from 'node:stream';
import { createEllipticAuthority, createLeafIssuer } from '../../../src/certs/elliptic-certificate.ts';
import type { KeyedCertificate } from '../../../src/certs/authority.ts';
import { extension, socketAddress } from '../../../src/envoy/extension.ts';
import { tlsInspector } from '../../../src/envoy/inspection.ts';
import { transparentHttp } from '../../../src/envoy/http.ts';
import { clusterNames, originalDestination } from '../../../src/envoy/clusters.ts';
import { tcpProxy } from '../../../src/envoy/listeners.ts';
import { objectMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { envoyBinary } from '../network/envoy.ts';
import { until } from '../waiting.ts';

/** Who calls, from where and to what, as the proxy sees it. */
export interface Caller {
  /** SPIFFE id in the client's certificate; in plain text by default. */
  readonly identity?: string | undefined;
  /** Address of the client, one of 127.0.0.0/8. */
  readonly source?: string | undefined;
  /** Address and port that the client has dialled. */
  readonly destination?: string | undefined;
  readonly port?: number | undefined;
  readonly serverName?: string | undefined;
}

export interface HttpCall extends Caller {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

/** One way to say who may make requests: HTTP filters, and what the routes tell them, one for each policy. */
export interface HttpSide {
  readonly filters: readonly JsonObject[];
  /** Members that stand in the place of those of the connection manager. */
  readonly manager?: JsonObject;
  readonly routes: readonly JsonObject[];
}

export interface AccessEnvoy {
  /** The status of the answer to a request, and why, as the access log says it. */
  ask(side: string, policy: number, call: HttpCall): Promise<{ readonly status: number; readonly details: string }>;
  /** A connection to a side, for a client of another protocol. */
  open(side: string, caller: Caller): Promise<Duplex>;
  /** Ports of servers that speak first. */
  readonly ports: readonly number[];
  /** How many connections these servers have had. */
  accepted(): number;
  /** What a client hears that sends a line to a server that speaks first; and nothing, if it is told to be silent. */
  dial(chain: number, caller: Caller, isSilent?: boolean): Promise<string>;
  /** The page of all counters. */
  stats(): Promise<string>;
  stop(): Promise<void>;
}

/** Tells in a header of the answer what the access log would say of it. */
const tellsDetails: JsonObject = {
  mappers: [
    {
      filter: {
        status_code_filter: { comparison: { op: 'GE', value: { default_value: 100, runtime_key: 'none' } } },
      },
      headers_to_add: [{ header: { key: 'x-details', value: '%RESPONSE_CODE_DETAILS%' } }],
    },
  ],
};

const proxyProtocol = extension('proxy_protocol', 'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol');

const inline = (text: string): JsonObject => ({ inline_string: text });

function tlsSocket(server: KeyedCertificate, roots: string): JsonObject {
  return extension('tls', 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    require_client_certificate: true,
    common_tls_context: {
      tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
      tls_certificates: [{ certificate_chain: inline(server.certificate), private_key: inline(server.privateKey) }],
      validation_context: { trusted_ca: inline(roots) },
    },
  });
}

function managerOf({ filters, manager = {}, routes }: HttpSide): JsonObject {
  const all = routes.map((typed_per_filter_config, index) => ({
    match: { prefix: '', headers: [{ name: 'x-policy', string_match: { exact: String(index) } }] },
    direct_response: { status: 200 },
    typed_per_filter_config,
  }));
  const http = transparentHttp({
    name: 'inbound',
    routes: { inline: { name: 'r', virtual_hosts: [{ name: 'v', domains: ['*'], routes: all }] } },
    forwardedProto: 'marked',
    filters,
    accessLog: [],
    tracing: undefined,
    tellsPeer: true,
  });
  return {
    ...http,
    typed_config: { ...objectMember(http, 'typed_config'), local_reply_config: tellsDetails, ...manager },
  };
}

/**
 * Starts an Envoy with each side's routes in plain text and by mutual TLS, and with filter chains of connections without HTTP.
 *
 * @param chains makes the latter from the two ports on which servers listen, at all addresses of this machine
 */
export async function startAccessEnvoy(
  sides: Readonly<Record<string, HttpSide>>,
  chains: (ports: readonly number[]) => readonly (readonly JsonObject[])[] = () => [],
): Promise<AccessEnvoy> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-access-'));
  const lifetime = { now: new Date(), lifetimeMs: 24 * 60 * 60 * 1000 };
  const authority = createEllipticAuthority({ name: 'mesh', ...lifetime });
  const issuer = createLeafIssuer(authority);
  const leaf = (identity: string): KeyedCertificate => issuer.issue({ names: { uris: [identity] }, ...lifetime });
  const transport = tlsSocket(leaf('spiffe://cluster.local/ns/shop/sa/server'), authority.certificate);
  let accepted = 0;
  const greeters = await Promise.all(
    [0, 1].map(async () => {
      const greeter = createServer((socket) => {
        accepted += 1;
        socket.on('error', () => undefined);
        socket.write('greeting\n');
        socket.on('data', (data) => socket.end(data));
      }).listen(0, '0.0.0.0');
      await once(greeter, 'listening');
      return greeter;
    }),
  );
  const greeterPorts = greeters.map((greeter) => (greeter.address() as AddressInfo).port);

  const parts = [
    ...Object.values(sides).map((side) => [managerOf(side)]),
    ...chains(greeterPorts).map((filters) => [
      ...filters,
      tcpProxy(clusterNames.inbound, {
        upstream_connect_mode: 'ON_DOWNSTREAM_TLS_HANDSHAKE',
        max_early_data_bytes: 65_536,
      }),
    ]),
  ].flatMap((filters) => [{ filters }, { filters, transport_socket: transport }]);
  const config = {
    admin: { address: socketAddress('127.0.0.1', 0) },
    layered_runtime: { layers: [{ name: 'l', static_layer: { 're2.max_program_size.error_level': 32_768 } }] },
    static_resources: {
      listeners: parts.map((chain, index) => ({
        name: `l${index}`,
        address: socketAddress('127.0.0.1', 0),
        listener_filters: [proxyProtocol, tlsInspector],
        listener_filters_timeout: '0.5s',
        continue_on_listener_filters_timeout: true,
        filter_chains: [chain],
      })),
      clusters: [originalDestination(clusterNames.inbound, undefined)],
    },
  };
  const file = path.join(folder, 'envoy.json');
  const admin = path.join(folder, 'admin');
  writeFileSync(file, JSON.stringify(config));
  const words = ['--config-path', file, '--admin-address-path', admin, '--concurrency', '1', '--disable-hot-restart'];
  const envoy = spawn(envoyBinary(), [...words, '--log-level', 'error'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  envoy.stderr.on('data', (data) => (stderr += String(data)));
  const adminUrl = await until('Envoy', async () => {
    if (envoy.exitCode !== null) throw new Error(stderr);
    const address = await Promise.resolve()
      .then(() => readFileSync(admin, 'utf8'))
      .catch(() => '');
    const isReady = address !== '' && (await fetch(`http://${address}/ready`).catch(() => undefined))?.status === 200;
    return isReady ? `http://${address}` : undefined;
  });

  const page = await fetch(`${adminUrl}/listeners?format=json`);
  const { listener_statuses } = (await page.json()) as { listener_statuses: readonly JsonObject[] };
  const ports = new Map(
    listener_statuses.map((one) => [
      stringMember(one, 'name'),
      Number(objectMember(objectMember(one, 'local_address'), 'socket_address')?.['port_value']),
    ]),
  );

  const certificates = new Map<string, KeyedCertificate>();
  async function open(index: number, caller: Caller): Promise<Duplex> {
    const {
      identity,
      source = '127.0.0.1',
      destination = '127.0.0.1',
      port = greeterPorts[0] ?? 0,
      serverName,
    } = caller;
    const socket: Socket = connect({
      host: '127.0.0.1',
      port: ports.get(`l${index + (identity === undefined ? 0 : 1)}`) ?? 0,
      localAddress: source,
    });
    socket.on('error', () => undefined);
    socket.write(`PROXY TCP4 ${source} ${destination} 40000 ${port}\r\n`);
    if (identity === undefined) return socket;
    const own = certificates.get(identity) ?? leaf(identity);
    certificates.set(identity, own);
    const secure = connectTls({
      socket,
      cert: own.certificate,
      key: own.privateKey,
      rejectUnauthorized: false,
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
    secure.on('error', () => undefined);
    await once(secure, 'secureConnect');
    return secure;
  }

  const agents = new Map<string, Agent>();
  function agentOf(index: number, caller: Caller): Agent {
    const { identity, source, destination, port, serverName } = caller;
    const key = JSON.stringify([index, identity, source, destination, port, serverName]);
    const known = agents.get(key);
    if (known !== undefined) return known;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agent.createConnection = (_, callback) => {
      open(index, caller).then(
        (socket) => callback?.(null, socket),
        (error: unknown) => (callback as ((error: unknown) => void) | undefined)?.(error),
      );
      return undefined;
    };
    agents.set(key, agent);
    return agent;
  }

  async function askOnce(agent: Agent, policy: number, { method, path, host, headers }: HttpCall) {
    const sent = request({ agent, method, path, headers: { ...headers, host, 'x-policy': policy } });
    sent.end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.resume();
    await once(answer, 'end');
    return { status: answer.statusCode ?? 0, details: String(answer.headers['x-details'] ?? '') };
  }

  const names = Object.keys(sides);
  return {
    ports: greeterPorts,
    accepted: () => accepted,
    open: async (side, caller) => open(names.indexOf(side) * 2, caller),
    async ask(side, policy, call) {
      const agent = agentOf(names.indexOf(side) * 2, call);
      // A connection may have been closed by the answer to the request before.
      const { status, details } = await askOnce(agent, policy, call).catch(async () => askOnce(agent, policy, call));
      return { status, details };
    },
    async dial(chain, caller, isSilent = false) {
      const socket = await open((names.length + chain) * 2, caller);
      let heard = '';
      socket.on('data', (data) => (heard += String(data)));
      const end = new Promise((resolve) => void socket.once('close', resolve));
      if (isSilent) await Promise.race([end, new Promise((resolve) => void socket.once('data', resolve))]);
      else {
        socket.write('hello\n');
        await end;
      }
      socket.destroy();
      return heard;
    },
    stats: async () => (await fetch(`${adminUrl}/stats`)).text(),
    async stop() {
      for (const agent of agents.values()) agent.destroy();
      const end = once(envoy, 'exit');
      envoy.kill('SIGKILL');
      await end;
      for (const greeter of greeters) greeter.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
