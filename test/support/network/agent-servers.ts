import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type ServerResponse } from 'node:http';
import {
  constants as http2,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { collector } from './agent-collector.ts';
import { exchangeServer } from './agent-exchanges.ts';
import { streamServer } from './agent-streams.ts';
import { begunStreams, preface, settings } from './http2-frames.ts';
import type { AgentCalls, Echoed, Heard, ListenOptions } from './agent.ts';

const closers = new Map<number, () => Promise<void>>();
const servers = new Map<number, Server>();
/** How many connections each has had. */
const acceptedAt = new Map<number, number>();
/** Who has logged in on a connection. */
const users = new WeakMap<Duplex, string>();
let healthy = true;
let gathered: (() => void)[] = [];
let flakyRequests = 0;

/** Where a server of kind `grpc` sends back what it is told. */
export const talkPath = '/test.Talk/Talk';

/** What `/bytes` sends again and again. */
export const block = Buffer.alloc(65_536, Buffer.from(Array.from({ length: 251 }, (_, index) => index)));

async function sendBytes(response: ServerResponse, count: number): Promise<void> {
  response.writeHead(200, { 'content-length': count });
  for (let left = count; left > 0 && !response.destroyed; left -= block.length) {
    if (!response.write(left < block.length ? block.subarray(0, left) : block)) await once(response, 'drain');
  }
  response.end();
}

const answer: RequestListener = (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://agent');
  const number = (name: string): number => Number(searchParams.get(name));
  const tell = (): void => {
    const { remoteAddress = '', localAddress = '', localPort = 0 } = request.socket;
    const { url = '', httpVersion, rawHeaders } = request;
    const heard: Heard = { remoteAddress, localAddress, localPort, url, httpVersion, rawHeaders };
    const headers = { 'Content-Type': 'application/json', 'X-CamelCase': 'kept', Server: 'app' };
    const status = /^\/status\/(\d{3})$/.exec(pathname)?.[1] ?? (healthy ? 200 : 503);
    response.writeHead(Number(status), headers);
    response.end(JSON.stringify(heard));
  };
  if (pathname === '/login') {
    users.set(request.socket, searchParams.get('user') ?? '');
    response.end('logged in');
  } else if (pathname === '/who') {
    const user = users.get(request.socket);
    response.writeHead(user === undefined ? 401 : 200).end(user ?? 'nobody');
  } else if (pathname === '/moved') {
    const to = searchParams.get('to') ?? '/elsewhere';
    response.writeHead(Number(searchParams.get('status') ?? 302), { location: to }).end(`moved to ${to}`);
  } else if (pathname === '/bytes') {
    sendBytes(response, number('count')).catch(() => response.destroy());
  } else if (pathname === '/flaky') {
    flakyRequests += 1;
    if (flakyRequests % number('of') === 0) tell();
    else response.writeHead(503).end();
  } else if (pathname === '/slow') {
    setTimeout(tell, number('ms'));
  } else if (pathname === '/gather') {
    gathered.push(tell);
    if (gathered.length < number('count')) return;
    for (const one of gathered) one();
    gathered = [];
  } else {
    tell();
  }
};

/** The handshake of RFC 6455, then every short text frame is sent back. */
function echoFrames(key: string, socket: Duplex): void {
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on('error', () => socket.destroy());
  socket.on('data', (frame: Buffer) => {
    const [opcode = 0, length = 0] = frame;
    if ((opcode & 0x0f) !== 1) {
      socket.end();
      return;
    }
    const mask = frame.subarray(2, 6);
    const text = frame.subarray(6, 6 + (length & 0x7f)).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
    socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
  });
}

/** `grpc.health.v1.Health/Check` with one answer: SERVING or NOT_SERVING, or an error for an unknown service. */
function grpcHealth(): Server {
  const server = createHttp2Server();
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => stream.destroy());
    if (!/^[\w.:[\]-]+$/.test(String(headers[':authority']))) {
      stream.respond({ ':status': 400 }, { endStream: true });
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    if (headers[':path'] === talkPath) stream.pipe(stream);
    else stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, healthy ? 1 : 2]));
  });
  return server;
}

function refusing(): Server {
  const server = createHttp2Server();
  let isRefused = false;
  server.on('sessionError', () => undefined);
  server.on('stream', (stream) => {
    stream.on('error', () => stream.destroy());
    isRefused = !isRefused;
    if (isRefused) {
      stream.close(http2.NGHTTP2_REFUSED_STREAM);
    } else {
      stream.respond({ ':status': 200 });
      stream.end('served');
    }
  });
  return server;
}

function script(socket: Socket, text: string): void {
  let head: string | undefined = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    if (head === undefined) {
      socket.write(chunk);
      return;
    }
    head += chunk.toString();
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    socket.write(text.replace('{request}', head.slice(0, end)));
    socket.write(head.slice(end + 4));
    head = undefined;
  });
}

/** Answers streams with frames of the test's own, also such as no library would send. */
function sendFrames(socket: Socket, answers: Readonly<Record<number, string>>): void {
  let heard = '';
  let answered = 0;
  socket.on('error', () => socket.destroy());
  socket.write(settings);
  socket.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
    const streams = begunStreams(heard.slice(preface.length - settings.length));
    for (const stream of streams.slice(answered)) socket.write(answers[stream] ?? '', 'latin1');
    answered = streams.length;
  });
}

function lastWord(socket: Socket, text: string): void {
  socket.on('error', () => socket.destroy());
  socket.on('end', () => socket.end(text));
  socket.resume();
}

function echo(socket: Socket): void {
  const { remoteAddress = '', localAddress = '', localPort = 0 } = socket;
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    const echoed: Echoed = { remoteAddress, localAddress, localPort, text: chunk.toString() };
    socket.write(`${JSON.stringify(echoed)}\n`);
  });
}

function httpServer({ tls, keepAliveMs, answer: fixed, authorization }: ListenOptions): Server {
  const listener: RequestListener =
    fixed === undefined
      ? answer
      : (request, response) =>
          void (authorization === undefined || request.headers.authorization === authorization
            ? response.writeHead(fixed.status, fixed.headers).end(fixed.body)
            : response.writeHead(401).end());
  const server =
    tls === undefined
      ? createHttpServer(listener)
      : createHttpsServer(
          { ...tls, ALPNProtocols: [...(tls.ALPNProtocols ?? ['http/1.1'])], minVersion: 'TLSv1.3' },
          listener,
        );
  if (keepAliveMs !== undefined) {
    server.keepAliveTimeout = keepAliveMs;
    // Node waits a second longer than it says, against the very race that is to be seen.
    server.keepAliveTimeoutBuffer = 0;
  }
  server.on('upgrade', (request, socket) => echoFrames(request.headers['sec-websocket-key'] ?? '', socket));
  return server;
}

function serverOf(kind: Exclude<ListenOptions['kind'], 'udp'>, options: ListenOptions): Server {
  switch (kind) {
    case 'collector':
      return collector();
    case 'refusing':
      return refusing();
    case 'script':
      return createTcpServer((socket) => script(socket, options.text ?? ''));
    case 'frames':
      return createTcpServer((socket) => sendFrames(socket, options.frames ?? {}));
    case 'streams':
      return streamServer();
    case 'exchange':
      return exchangeServer(options.port, options.takesOne);
    case 'last-word':
      return createTcpServer({ allowHalfOpen: true }, (socket) => lastWord(socket, options.text ?? ''));
    case 'grpc':
      return grpcHealth();
    case 'h2c':
      return createHttp2Server(
        answer as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void,
      );
    case 'echo':
      return createTcpServer({ keepAlive: true, keepAliveInitialDelay: 2_000 }, echo);
    case 'banner':
      return createTcpServer((socket) => {
        socket.on('error', () => socket.destroy());
        socket.resume();
        socket.write(options.text ?? 'hello\n');
      });
    case 'http':
      return httpServer(options);
  }
}

async function listenDatagrams({ port, host }: ListenOptions): Promise<null> {
  const socket = createSocket('udp6');
  socket.on('message', (message, { address: remoteAddress, port: remotePort }) => {
    const { address: localAddress, port: localPort } = socket.address();
    const echoed: Echoed = { remoteAddress, localAddress, localPort, text: message.toString() };
    socket.send(JSON.stringify(echoed), remotePort, remoteAddress);
  });
  socket.bind(port, host);
  await once(socket, 'listening');
  closers.set(port, () => new Promise((resolve) => socket.close(resolve)));
  return null;
}

export const listen: AgentCalls['listen'] = async (options) => {
  if (options.kind === 'udp') return listenDatagrams(options);
  const server = serverOf(options.kind, options);
  server.listen({ port: options.port, host: options.host ?? '::', backlog: 4096 });
  await once(server, 'listening');
  servers.set(options.port, server);
  acceptedAt.set(options.port, 0);
  server.on('connection', () => acceptedAt.set(options.port, (acceptedAt.get(options.port) ?? 0) + 1));
  closers.set(options.port, async () => {
    if ('closeAllConnections' in server) (server as unknown as { closeAllConnections(): void }).closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return null;
};

export const close: AgentCalls['close'] = async ({ port }) => {
  const closer = closers.get(port);
  closers.delete(port);
  if (closer === undefined) throw new Error(`nothing listens on ${port}`);
  await closer();
  return null;
};

export const connected: AgentCalls['connected'] = ({ port }) =>
  new Promise((resolve, reject) => {
    const server = servers.get(port);
    if (server === undefined) throw new Error(`nothing listens on ${port}`);
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });

export const accepted: AgentCalls['accepted'] = ({ port }) => {
  const count = acceptedAt.get(port);
  if (count === undefined) throw new Error(`nothing listens on ${port}`);
  return Promise.resolve(count);
};

export const setHealthy: AgentCalls['setHealthy'] = (state) => {
  healthy = state;
  return Promise.resolve(null);
};
