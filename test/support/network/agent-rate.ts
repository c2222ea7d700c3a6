import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { AgentCalls } from './agent.ts';

/** A kept connection that sends one prepared request at a time and looks at nothing but the end of the answer. */
interface Caller {
  exchange(request: string): Promise<void>;
  close(): void;
}

function attend(socket: Socket): Caller {
  let received = '';
  let settle: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  socket.on('error', (error) => settle?.reject(error));
  socket.on('close', () => settle?.reject(new Error('the server closed the connection')));
  socket.on('data', (chunk: string) => {
    received += chunk;
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(received)?.[1];
    if (!received.startsWith('HTTP/1.1 200 ') || length === undefined) {
      settle?.reject(new Error(`unexpected answer: ${received.split('\r\n', 1)[0]}`));
    } else if (received.length >= end + 4 + Number(length)) {
      received = '';
      settle?.resolve();
    }
  });
  return {
    exchange(request) {
      return new Promise((resolve, reject) => {
        settle = { resolve, reject };
        socket.write(request);
      });
    },
    close: () => socket.destroy(),
  };
}

export const askAtRate: AgentCalls['askAtRate'] = async ({ url, connections, perSecond, count }) => {
  const { hostname, port, pathname } = new URL(url);
  const request = `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`;
  const idle = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ host: hostname, port: Number(port) });
      await once(socket, 'connect');
      return attend(socket);
    }),
  );
  const all = [...idle];
  const waiting: ((caller: Caller) => void)[] = [];
  const one = async (): Promise<number> => {
    const startMs = performance.now();
    const caller = idle.shift() ?? (await new Promise<Caller>((resolve) => waiting.push(resolve)));
    await caller.exchange(request);
    const durationMs = performance.now() - startMs;
    const next = waiting.shift();
    if (next === undefined) idle.push(caller);
    else next(caller);
    return durationMs;
  };
  const startMs = performance.now();
  const sent: Promise<number>[] = [];
  for (let index = 0; index < count; index++) {
    const waitMs = startMs + (index * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await pause(waitMs);
    sent.push(one());
  }
  const durations = await Promise.all(sent);
  for (const caller of all) caller.close();
  return durations;
};
