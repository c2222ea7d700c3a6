import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { AgentCalls } from './agent.ts';

interface Line {
  readonly socket: Socket;
  text: string;
}

/** Bytes are characters, so that frames of HTTP/2 can be sent and searched as text. */
const bytes = 'latin1';

async function open(host: string, port: number): Promise<Line> {
  const line: Line = { socket: connect({ host, port }), text: '' };
  line.socket.on('data', (chunk: Buffer) => (line.text += chunk.toString(bytes)));
  await once(line.socket, 'connect');
  line.socket.on('error', () => line.socket.destroy());
  return line;
}

async function hear(line: Line, words: string): Promise<void> {
  const { socket } = line;
  if (line.text.includes(words) || socket.closed) return;
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (line.text.includes(words)) resolve();
    };
    socket.on('data', look);
    socket.once('close', () => resolve());
    socket.setTimeout(10_000, resolve);
  });
}

export const converse: AgentCalls['converse'] = async ({ host, port, steps }) => {
  const lines = new Map<string, Line>();
  const heard: string[] = [];
  try {
    for (const { who, send, until } of steps) {
      const line = lines.get(who) ?? (await open(host, port));
      lines.set(who, line);
      line.text = '';
      line.socket.write(Buffer.from(send, bytes));
      await hear(line, until);
      heard.push(line.text);
    }
  } finally {
    for (const { socket } of lines.values()) socket.destroy();
  }
  return heard;
};
