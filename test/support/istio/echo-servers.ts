import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type Http2ServerRequest } from 'node:http2';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What a server has got. */
export interface Arrival {
  /** Address and port that stand for the server. */
  readonly server: string;
  readonly method: string;
  readonly path: string;
  /** Values by name in lower case, in order. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

export interface EchoServers {
  /** Port on this machine of the server that stands for an address and port. */
  portOf(server: string): number;
  /** What has arrived of a call, in order. */
  arrivalsOf(call: string): readonly Arrival[];
  stop(): Promise<void>;
}

/** Returns headers by name in lower case. */
export function headersOf({
  rawHeaders,
}: Pick<IncomingMessage, 'rawHeaders'>): Readonly<Record<string, readonly string[]>> {
  const all: Record<string, string[]> = {};
  for (let index = 0; index < rawHeaders.length; index += 2) {
    (all[(rawHeaders[index] ?? '').toLowerCase()] ??= []).push(rawHeaders[index + 1] ?? '');
  }
  return all;
}

type Asked = IncomingMessage | Http2ServerRequest;
type Answered = Pick<ServerResponse, 'writeHead' | 'end'>;

/** Headers of a request by either version; the name of the host is in the same place. */
function arrivedHeaders(request: Asked): Readonly<Record<string, readonly string[]>> {
  if (!('stream' in request)) return headersOf(request);
  const { ':authority': host, ':method': _method, ':path': _path, ':scheme': _scheme, ...rest } = headersOf(request);
  return host === undefined ? rest : { ...rest, host };
}

function reset(request: Asked): void {
  if ('stream' in request) request.stream.session?.destroy();
  else request.socket.destroy();
}

/** Has one port answer both versions of HTTP. */
function serve(handle: (request: Asked, response: Answered) => void): Server {
  const http1 = createServer(handle);
  http1.keepAliveTimeout = 60_000;
  const http2 = createHttp2Server((request, response) => handle(request, response as unknown as Answered));
  return createTcpServer((socket) => {
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null;
      if (first === null) return;
      socket.unshift(first);
      (first.toString('latin1').startsWith('PRI ') ? http2 : http1).emit('connection', socket);
    });
  });
}

/** How the first tries of a call end, in its header `x-fail`: `2:503` are two answers with that status, `1:reset` one connection that breaks. */
function failure(fail: string | undefined, arrivals: number): string | undefined {
  const [count = '0', how] = (fail ?? '').split(':');
  return arrivals <= Number(count) ? how : undefined;
}

/**
 * Starts servers that answer 200 with headers of an application, and note what arrives by the header `x-call`. A call with `x-wait` is never answered.
 *
 * @param copied servers that get only copies of requests, and always answer 200
 */
export async function startEchoServers(names: readonly string[], copied: ReadonlySet<string>): Promise<EchoServers> {
  const calls = new Map<string, Arrival[]>();
  const handle = (server: string, request: Asked, response: Answered): void => {
    const headers = arrivedHeaders(request);
    const call = headers['x-call']?.[0] ?? '';
    const arrivals = calls.get(call) ?? [];
    calls.set(call, arrivals);
    arrivals.push({ server, method: request.method ?? '', path: request.url ?? '', headers });
    const tries = arrivals.filter((one) => !copied.has(one.server)).length;
    const how = copied.has(server) ? undefined : failure(headers['x-fail']?.[0], tries);
    request.resume();
    if (headers['x-wait'] !== undefined) return;
    if (how === 'reset') {
      reset(request);
      return;
    }
    response.writeHead(Number(how ?? 200), { server: 'app', 'x-app': '1', 'x-old': '2', 'x-server': server });
    response.end('app');
  };
  const servers = new Map<string, Server>();
  const sockets = new Set<Socket>();
  for (const name of names) {
    const server = serve((request, response) => handle(name, request, response));
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    servers.set(name, server);
  }
  return {
    portOf(name) {
      const server = servers.get(name);
      if (server === undefined) throw new Error(`there is no server ${name}`);
      return (server.address() as AddressInfo).port;
    },
    arrivalsOf: (call) => calls.get(call) ?? [],
    async stop() {
      for (const server of servers.values()) {
        const closed = new Promise((resolve) => void server.close(resolve));
        for (const socket of sockets) socket.destroy();
        await closed;
      }
    },
  };
}
