import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { AgentCalls } from './agent.ts';
import type { Ending, Exchanged, Party } from './party.ts';
import { countAnswers } from './http1-messages.ts';

/** Bytes are characters, so that anything can be sent and compared as text. */
const bytes = 'latin1';

interface Line {
  readonly socket: Socket;
  text: string;
  ending: Ending;
}

function attend(socket: Socket): Line {
  const line: Line = { socket, text: '', ending: 'open' };
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => (line.text += chunk.toString(bytes)));
  socket.on('end', () => (line.ending = 'closed'));
  socket.on('error', () => {
    line.ending = 'reset';
    socket.destroy();
  });
  return line;
}

const events = ['data', 'end', 'close'];

/** Waits for a condition that only data or the end of the connection can fulfil; false when that takes too long. */
async function waitFor({ socket }: Line, isMet: () => boolean, limitMs: number): Promise<boolean> {
  if (isMet()) return true;
  const isSettled = await new Promise<boolean>((resolve) => {
    const settle = (met: boolean): void => {
      clearTimeout(timer);
      for (const event of events) socket.off(event, look);
      resolve(met);
    };
    const look = (): void => {
      if (isMet() || socket.destroyed) settle(true);
    };
    const timer = setTimeout(() => settle(false), limitMs);
    for (const event of events) socket.on(event, look);
  });
  return isSettled && isMet();
}

function leave({ socket }: Line, end: Party['end']): void {
  if (end === 'reset') socket.resetAndDestroy();
  else if (end === 'close') socket.end();
}

/** Says what the party has to say, each piece when it has heard what comes before it. */
async function play(line: Line, { steps, end }: Party, limitMs: number): Promise<void> {
  let heard = 0;
  for (const { until = '', send = '', deafMs } of steps) {
    const isOver = (): boolean => line.text.includes(until, heard) || line.ending !== 'open';
    await waitFor(line, isOver, limitMs);
    const found = line.text.indexOf(until, heard);
    if (found < 0) return;
    heard = found + until.length;
    if (deafMs !== undefined) line.socket.pause();
    if (send !== '') await new Promise((resolve) => line.socket.write(Buffer.from(send, bytes), resolve));
    if (deafMs !== undefined) {
      await pause(deafMs);
      line.socket.resume();
    }
  }
  leave(line, end);
}

const silent: Party = { steps: [], end: 'keep' };
const parties = new Map<number, Party>();
const lines = new Map<number, Line[]>();

/** A server that plays the part that it was given last. With `takesOne` it takes no more than one connection. */
export function exchangeServer(port: number, takesOne = false): Server {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (takesOne) server.close();
    const line = attend(socket);
    lines.set(port, [...(lines.get(port) ?? []), line]);
    const party = parties.get(port) ?? silent;
    void play(line, party, 10_000).then(() => {
      const finish = (): void => void socket.end();
      if (line.ending === 'open') socket.once('end', finish);
      else finish();
    });
  });
  return server;
}

export const prepare: AgentCalls['prepare'] = ({ port, party }) => {
  parties.set(port, party);
  lines.set(port, []);
  return Promise.resolve(null);
};

export const received: AgentCalls['received'] = ({ port }) => {
  const all = lines.get(port) ?? [];
  const heard = all.map(({ text, ending }) => ({ text, ending }));
  for (const { socket } of all) socket.destroy();
  return Promise.resolve(heard);
};

/** How long to wait for the end of chunks whose content is there. */
const lastChunkMs = 300;

export const exchange: AgentCalls['exchange'] = async ({ host, port, party, until, answers = 1, limitMs }) => {
  const socket = connect({ host, port, allowHalfOpen: true });
  const line = attend(socket);
  await once(socket, 'connect');
  await play(line, party, limitMs);
  const isOver = (): boolean =>
    line.ending !== 'open' || line.text.includes(until) || countAnswers(line.text) >= answers;
  await waitFor(line, isOver, limitMs);
  // The last chunk may come in a packet of its own.
  const isWhole = (): boolean =>
    line.ending !== 'open' || !/\r\ntransfer-encoding: *chunked\r\n/i.test(line.text) || /\r\n0\r\n/.test(line.text);
  await waitFor(line, isWhole, Math.min(limitMs, lastChunkMs));
  const seen: Exchanged = { text: line.text, ending: line.ending };
  socket.destroy();
  return seen;
};
