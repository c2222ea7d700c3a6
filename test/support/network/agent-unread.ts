import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import type { AgentCalls } from './agent.ts';

let closers: (() => void)[] = [];

/** Asks on a connection of its own and reads nothing of the answer but what its own kernel takes. */
async function holdHttp(url: URL): Promise<void> {
  const socket = connect({ host: url.hostname, port: Number(url.port) });
  closers.push(() => socket.destroy());
  await once(socket, 'connect');
  socket.on('error', () => socket.destroy());
  socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
  // A proxy that has enough connections closes this one.
  await new Promise<void>((resolve) => {
    socket.once('readable', () => resolve()).once('close', () => resolve());
  });
}

async function holdHttp2(url: URL): Promise<void> {
  const session = connectHttp2(url.origin);
  closers.push(() => session.destroy());
  session.on('error', () => session.destroy());
  const stream = session.request({ ':path': `${url.pathname}${url.search}` });
  stream.on('error', () => stream.destroy());
  await once(stream, 'response');
}

export const holdUnread: AgentCalls['holdUnread'] = async ({ url, count, http2 = false }) => {
  const hold = http2 ? holdHttp2 : holdHttp;
  // Not all at once: the server is one thread, and the backlog of a listener is short.
  for (let left = count; left > 0; left -= 50) {
    await Promise.all(Array.from({ length: Math.min(left, 50) }, () => hold(new URL(url))));
  }
  return null;
};

export const dropUnread: AgentCalls['dropUnread'] = () => {
  for (const close of closers) close();
  closers = [];
  return Promise.resolve(null);
};
