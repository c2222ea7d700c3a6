import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { talkPath } from './agent-servers.ts';
import type { AgentCalls, Talk, TalkReport } from './agent.ts';

/** How long a client waits for an answer. */
const limitMs = 20_000;

/** How long it waits between two words. */
const gapMs = 20;

/** A stream of gRPC has so many words, and lasts most of the second for which proxies of the tests keep connections. */
const wordsOfStream = 5;
const gapOfStreamMs = 150;

interface Tally {
  answered: number;
  ended: number;
  readonly failures: string[];
}

type Peer = Parameters<AgentCalls['startTalks']>[0];

/** Says a word, and returns whether it is answered by a line; if not, the other side has ended. Rejects if the connection breaks. */
function say(socket: Socket, word: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      socket.off('data', hear).off('end', ended).off('error', reject);
      settle();
    };
    const hear = (chunk: Buffer): void => {
      if (chunk.at(-1) === 10) finish(() => resolve(true));
    };
    const ended = (): void => finish(() => resolve(false));
    if (socket.readableEnded || socket.destroyed) {
      resolve(false);
      return;
    }
    socket.on('data', hear).on('end', ended).on('error', reject);
    socket.write(`${word}\n`);
  });
}

function open(peer: Peer): Socket {
  const socket = connect(peer);
  socket.setTimeout(limitMs, () => socket.destroy(new Error(`no answer within ${limitMs} ms`)));
  // Between two words nobody else listens for it.
  socket.on('error', () => undefined);
  return socket;
}

/** Talks on one connection until the other side ends it. */
async function talkOn(socket: Socket, tally: Tally, isOver: () => boolean): Promise<void> {
  await firstWord(socket);
  do {
    tally.answered += 1;
    await pause(gapMs);
    // Who says a word while the other side ends gets a reset instead of an end.
    if (!(await say(socket, 'word').catch(() => false))) {
      tally.ended += 1;
      return;
    }
  } while (!isOver());
}

/** Has a stream in which every word is answered before the next one is said. */
function stream(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { ':method': 'POST', ':path': talkPath, 'content-type': 'application/grpc', te: 'trailers' };
    const one = session.request(headers);
    const word = Buffer.from([0, 0, 0, 0, 2, 0x08, 1]);
    let bytes = 0;
    let status: unknown;
    one.setTimeout(limitMs, () => one.destroy(new Error(`no answer within ${limitMs} ms`)));
    one.on('response', (answered) => (status = answered['grpc-status']));
    one.on('trailers', (trailers) => (status = trailers['grpc-status']));
    one.on('error', reject);
    one.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes === wordsOfStream * word.length) one.end();
      else if (bytes % word.length === 0) setTimeout(() => one.destroyed || one.write(word), gapOfStreamMs);
    });
    one.on('close', () => {
      if (status === '0' && bytes === wordsOfStream * word.length) resolve();
      else reject(new Error(`grpc-status ${String(status)} after ${bytes} bytes`));
    });
    one.write(word);
  });
}

/** Says a word on a connection that must not end before it is answered. */
async function firstWord(socket: Socket): Promise<void> {
  if (!(await say(socket, 'word'))) throw new Error('the connection was ended before an answer');
}

/** Counts what it waits for. What takes longer than connections are kept may have been ended. */
async function unlessKept(talking: Promise<void>, { keptMs }: Peer, tally: Tally): Promise<void> {
  const startMs = performance.now();
  try {
    await talking;
    tally.answered += 1;
  } catch (error) {
    const ms = Math.round(performance.now() - startMs);
    if (ms < keptMs) throw new Error(`after ${ms} ms: ${String(error)}`, { cause: error });
    tally.ended += 1;
  }
}

/** What a client does until the talk is over; it begins anew when this returns. */
const clients: Readonly<Record<Talk, (peer: Peer, tally: Tally, isOver: () => boolean) => Promise<void>>> = {
  async 'new connections'(peer, tally) {
    const socket = open(peer);
    try {
      await unlessKept(firstWord(socket), peer, tally);
    } finally {
      socket.destroy();
    }
  },
  async 'kept connections'(peer, tally, isOver) {
    const socket = open(peer);
    try {
      await talkOn(socket, tally, isOver);
    } finally {
      socket.destroy();
    }
  },
  async streams(peer, tally, isOver) {
    const session = connectHttp2(`http://${peer.host}:${peer.port}`);
    let isLeaving = false;
    session.on('goaway', () => (isLeaving = true)).on('close', () => (isLeaving = true));
    session.on('error', () => (isLeaving = true));
    try {
      while (!isOver() && !isLeaving) {
        await unlessKept(stream(session), peer, tally);
      }
      if (isLeaving) tally.ended += 1;
    } finally {
      session.destroy();
    }
  },
};

const talks = new Map<Talk, { readonly tally: Tally; isOver: boolean; readonly ended: Promise<unknown> }>();

export const startTalks: AgentCalls['startTalks'] = (peer) => {
  const tally: Tally = { answered: 0, ended: 0, failures: [] };
  const state = { tally, isOver: false, ended: Promise.resolve<unknown>(undefined) };
  const run = async (): Promise<void> => {
    while (!state.isOver) {
      try {
        await clients[peer.talk](peer, tally, () => state.isOver);
      } catch (error) {
        tally.failures.push(error instanceof Error ? error.message : String(error));
      }
      await pause(1);
    }
  };
  state.ended = Promise.all(Array.from({ length: peer.clients }, run));
  talks.set(peer.talk, state);
  return Promise.resolve(null);
};

export const stopTalks: AgentCalls['stopTalks'] = async () => {
  const reports: [Talk, TalkReport][] = [];
  for (const state of talks.values()) state.isOver = true;
  for (const [talk, { tally, ended }] of talks) {
    await ended;
    reports.push([talk, tally]);
  }
  talks.clear();
  return Object.fromEntries(reports) as Record<Talk, TalkReport>;
};
