import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect, isIPv6 } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { crc32 } from 'node:zlib';
import type { AgentCalls, Dialled } from './agent.ts';

async function chunksOf(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function respond(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  limitMs = 10_000,
): Promise<IncomingMessage> {
  const options = { headers: { ...headers }, agent: false, timeout: limitMs } as const;
  const request = url.startsWith('https:')
    ? httpsRequest(url, { ...options, rejectUnauthorized: false })
    : httpRequest(url, options);
  request.on('timeout', () => request.destroy(new Error(`no answer within ${limitMs} ms`)));
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

export const ask: AgentCalls['ask'] = async ({ url, headers, limitMs }) => {
  const response = await respond(url, headers, limitMs);
  const fingerprint = url.startsWith('https:')
    ? (response.socket as TLSSocket).getPeerCertificate().fingerprint256
    : undefined;
  const body = (await chunksOf(response)).toString();
  return {
    status: response.statusCode ?? 0,
    rawHeaders: response.rawHeaders,
    body,
    ...(fingerprint === undefined ? {} : { fingerprint }),
  };
};

export const askHttp2: AgentCalls['askHttp2'] = async ({ url, headers = {}, body }) => {
  const { origin, pathname, search } = new URL(url);
  const session = connectHttp2(origin);
  try {
    const stream = session.request({
      ':method': body === undefined ? 'GET' : 'POST',
      ':path': `${pathname}${search}`,
      ...headers,
    });
    session.on('error', (error) => stream.destroy(error));
    let trailers: Readonly<Record<string, unknown>> = {};
    stream.on('trailers', (received) => (trailers = { ...received }));
    stream.end(body === undefined ? undefined : Buffer.from(body, 'base64'));
    const [received] = (await once(stream, 'response')) as [Record<string, unknown>];
    const bytes = await chunksOf(stream);
    return { status: Number(received[':status']), headers: { ...received }, trailers, body: bytes.toString('base64') };
  } finally {
    session.destroy();
  }
};

export const dial: AgentCalls['dial'] = ({
  host,
  port,
  send,
  halfClose = false,
  keepAliveMs,
  until = '',
  untilClosed,
  limitMs = 10_000,
  tls,
}) =>
  new Promise<Dialled>((resolve, reject) => {
    const started = performance.now();
    let text = '';
    const keepAlive = keepAliveMs === undefined ? {} : { keepAlive: true, keepAliveInitialDelay: keepAliveMs };
    const to = { host, port, allowHalfOpen: halfClose, ...keepAlive };
    const socket = tls === undefined ? connect(to) : connectTls({ ...to, ...tls, rejectUnauthorized: false });
    const finish = (ending: Dialled['ending']): void => {
      socket.destroy();
      resolve({ text, ending, ms: performance.now() - started });
    };
    socket.setTimeout(limitMs, () => finish('silent'));
    socket.on(tls === undefined ? 'connect' : 'secureConnect', () => {
      if (send !== undefined) socket.write(send);
      if (halfClose) socket.end();
    });
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (untilClosed !== true && text.includes(until)) finish('data');
    });
    socket.on('close', () => finish('closed'));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'ETIMEDOUT' || error.code?.startsWith('ERR_SSL_') === true
        ? finish('closed')
        : reject(error),
    );
  });

export const talk: AgentCalls['talk'] = ({ url, text }) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.addEventListener('open', () => socket.send(text));
    socket.addEventListener('error', () => reject(new Error(`no WebSocket at ${url}`)));
    socket.addEventListener('message', ({ data }) => {
      resolve(String(data));
      socket.close();
    });
  });

export const sendDatagram: AgentCalls['sendDatagram'] = async ({ host, port, text }) => {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  try {
    socket.send(text, port, host);
    const [message] = (await once(socket, 'message', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
    return message.toString();
  } finally {
    socket.close();
  }
};

export const download: AgentCalls['download'] = async ({ url }) => {
  let bytes = 0;
  let crc = 0;
  for await (const chunk of await respond(url)) {
    bytes += (chunk as Buffer).length;
    crc = crc32(chunk as Buffer, crc);
  }
  return { bytes, crc };
};
