import {
  createServer as createHttpServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
} from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer as createTcpServer, type Server } from 'node:net';
import type { AgentCalls, Heard, ListenOptions } from './network-agent.ts';

/*
 * The process behind `startAgent`: it runs inside a network namespace as a user of the test's choice and serves, asks
 * and dials there as it is told over the IPC channel.
 */
const servers = new Map<string, Server>();
let healthy = true;

const answer: RequestListener = (request, response) => {
  if (request.url === '/moved') {
    response.writeHead(302, { location: '/elsewhere' }).end();
    return;
  }
  const status = /^\/status\/(\d{3})$/.exec(request.url ?? '')?.[1];
  const heard: Heard = {
    remoteAddress: request.socket.remoteAddress ?? '',
    url: request.url ?? '',
    httpVersion: request.httpVersion,
    rawHeaders: request.rawHeaders,
  };
  response.writeHead(status === undefined ? (healthy ? 200 : 503) : Number(status), {
    'Content-Type': 'application/json',
    'X-CamelCase': 'kept',
    Server: 'app',
  });
  response.end(JSON.stringify(heard));
};

/** `grpc.health.v1.Health/Check` with one answer: SERVING or NOT_SERVING, or an error for an unknown service. */
function grpcHealth(): Server {
  const server = createHttp2Server();
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy());
    if (!/^[\w.-]+$/.test(String(headers[':authority']))) {
      stream.respond({ ':status': 400 }, { endStream: true });
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, healthy ? 1 : 2]));
  });
  return server;
}

function serverOf({ kind, tls, text, answer: fixed }: ListenOptions): Server {
  if (kind === 'grpc') return grpcHealth();
  if (kind === 'banner') {
    return createTcpServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.resume();
      socket.write(text ?? 'hello\n');
    });
  }
  if (fixed !== undefined) {
    return createHttpServer((_, response) => response.writeHead(fixed.status, fixed.headers).end(fixed.body));
  }
  return tls === undefined ? createHttpServer(answer) : createHttpsServer({ ...tls, minVersion: 'TLSv1.3' }, answer);
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const calls: AgentCalls = {
  listen(options) {
    const server = serverOf(options);
    servers.set(String(options.port), server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host ?? '::', () => resolve(null));
    });
  },
  close({ port }) {
    const server = servers.get(String(port));
    servers.delete(String(port));
    if (server === undefined) return Promise.reject(new Error(`nothing listens on ${port}`));
    if ('closeAllConnections' in server) (server as unknown as { closeAllConnections(): void }).closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve(null)));
  },
  setHealthy(state) {
    healthy = state;
    return Promise.resolve(null);
  },
  ask({ url, headers }) {
    return new Promise((resolve, reject) => {
      const request = httpRequest(url, { headers: { ...headers }, agent: false, timeout: 10_000 });
      request.on('timeout', () => request.destroy(new Error('no answer within 10 s')));
      request.on('error', reject);
      request.on('response', (response) => {
        bodyOf(response)
          .then((body) => resolve({ status: response.statusCode ?? 0, rawHeaders: response.rawHeaders, body }))
          .catch(reject);
      });
      request.end();
    });
  },
  dial({ host, port, send, untilClosed }) {
    return new Promise((resolve, reject) => {
      const started = performance.now();
      let text = '';
      const socket = connect({ host, port });
      const finish = (ending: 'data' | 'closed' | 'silent'): void => {
        socket.destroy();
        resolve({ text, ending, ms: performance.now() - started });
      };
      socket.setTimeout(10_000, () => finish('silent'));
      socket.on('connect', () => {
        if (send !== undefined) socket.write(send);
      });
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (untilClosed !== true) finish('data');
      });
      socket.on('close', () => finish('closed'));
      socket.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ECONNRESET' ? finish('closed') : reject(error),
      );
    });
  },
};

interface Order {
  readonly id: number;
  readonly call: keyof AgentCalls;
  readonly input: never;
}

process.on('message', (order: Order) => {
  calls[order.call](order.input).then(
    (result) => process.send?.({ id: order.id, result }),
    (error: unknown) => process.send?.({ id: order.id, error: error instanceof Error ? error.message : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ id: 0, result: null });
