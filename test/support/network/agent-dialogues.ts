import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { AgentCalls, Told, Turn } from './agent.ts';

interface Listening {
  readonly socket: Socket;
  bytes: number;
  crc: number;
  ending: Told['ending'] | undefined;
}

const limitMs = 10_000;

function listening(socket: Socket): Listening {
  const line: Listening = { socket, bytes: 0, crc: 0, ending: undefined };
  const finish = (ending: Told['ending']): void => {
    line.ending ??= ending;
    socket.emit('heard');
  };
  socket.setNoDelay(true);
  socket.on('data', (chunk) => {
    line.bytes += chunk.length;
    line.crc = crc32(chunk, line.crc);
    socket.emit('heard');
  });
  socket.on('end', () => finish('end'));
  socket.on('error', () => finish('reset'));
  socket.on('close', () => finish('closed'));
  socket.setTimeout(limitMs, () => finish('silent'));
  return line;
}

async function hear(line: Listening, isHeard: () => boolean): Promise<void> {
  while (!isHeard() && line.ending === undefined) await once(line.socket, 'heard');
}

/** Plays one side of a dialogue: says its own turns, and hears those of the other side before it goes on. */
async function play(line: Listening, side: Turn['by'], turns: readonly Turn[]): Promise<Told> {
  const { socket } = line;
  const told = (): Told => ({ bytes: line.bytes, crc: line.crc, ending: line.ending ?? 'closed' });
  let expected = 0;
  for (const { by, deafMs, send, pauseMs, leave } of turns) {
    if (by === side) {
      if (deafMs !== undefined) {
        socket.pause();
        await pause(deafMs);
        socket.resume();
      }
      if (send !== undefined && !socket.destroyed)
        await new Promise((resolve) => socket.write(send, 'latin1', resolve));
      if (pauseMs !== undefined) await pause(pauseMs);
      if (leave === 'end') socket.end();
      if (leave === 'close') {
        // As close(2): what is said goes out, what is still to come is not wanted.
        socket.destroy();
        return told();
      }
      if (leave === 'reset') {
        socket.resetAndDestroy();
        return told();
      }
    } else {
      expected += send?.length ?? 0;
      await hear(line, () => line.bytes >= expected);
      if (leave !== undefined) await hear(line, () => false);
    }
  }
  await hear(line, () => false);
  const result = told();
  socket.end();
  return result;
}

interface Stage {
  turns: readonly Turn[];
  readonly played: Promise<Told>[];
  heardOne: () => void;
}

const stages = new Map<number, Stage>();

export const rehearse: AgentCalls['rehearse'] = async ({ port, turns }) => {
  const known = stages.get(port);
  if (known !== undefined) {
    known.turns = turns;
    known.played.length = 0;
    return null;
  }
  const stage: Stage = { turns, played: [], heardOne: () => undefined };
  stages.set(port, stage);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    stage.played.push(play(listening(socket), 'server', stage.turns));
    stage.heardOne();
  });
  server.listen({ port, host: '::', backlog: 4096 });
  await once(server, 'listening');
  return null;
};

export const recall: AgentCalls['recall'] = async ({ port, count }) => {
  const stage = stages.get(port);
  if (stage === undefined) throw new Error(`nothing was rehearsed on ${port}`);
  const end = Date.now() + limitMs;
  while (stage.played.length < count && Date.now() < end) {
    await Promise.race([new Promise<void>((resolve) => (stage.heardOne = resolve)), pause(end - Date.now())]);
  }
  return Promise.all(stage.played);
};

async function speakOnce(host: string, port: number, turns: readonly Turn[]): Promise<Told> {
  const socket = connect({ host, port, allowHalfOpen: true });
  const line = listening(socket);
  try {
    await Promise.race([once(socket, 'connect'), hear(line, () => false)]);
    return await play(line, 'client', turns);
  } finally {
    socket.destroy();
  }
}

export const speak: AgentCalls['speak'] = ({ host, port, turns, count }) =>
  Promise.all(Array.from({ length: count }, () => speakOnce(host, port, turns)));
