import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Exchanged, Party } from './party.ts';
import { inNamespace } from './pod-namespace.ts';

/** What a server of an agent tells whoever asked: how the request or connection arrived. */
export interface Heard {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly url: string;
  readonly httpVersion: string;
  readonly rawHeaders: readonly string[];
}

export interface ListenOptions {
  /**
   * `http` and `h2c` answer every path with a `Heard`, 503 when unhealthy, but for those below; `echo` answers what it
   * gets with a line of JSON, an `Echoed`, and has keep-alive of 2 s; `banner` speaks first; `grpc` is a health service, and sends back what a stream of a talk says; `udp` is `echo` for datagrams; `collector` takes spans;
   * `script` answers the end of an HTTP head with `text`, in which `{request}` stands for that head, and sends back what
   * comes after it; `frames` is HTTP/2 and answers a stream with the frames that are given for it;
   * `streams` is HTTP/2 and answers each stream as its path says;
   * `last-word` says `text` when the client has ended its side; `exchange` says what it is told by `prepare`.
   * `refusing` is HTTP/2 and refuses every other request without having looked at it, the first one too.
   * `/login?user=alice` makes `/who` answer `alice` from now on, on this connection alone; others get 401 from it.
   * `/moved` redirects, `/status/418` has that status, `/bytes?count=N` sends so many bytes, `/slow?ms=N` takes its time, `/flaky?of=N` fails but for every Nth time, `/gather?count=N` answers as
   * soon as so many requests wait, and an upgrade to WebSocket is answered with the same words.
   */
  readonly kind:
    | 'http'
    | 'h2c'
    | 'echo'
    | 'banner'
    | 'grpc'
    | 'udp'
    | 'collector'
    | 'refusing'
    | 'script'
    | 'frames'
    | 'streams'
    | 'last-word'
    | 'exchange';
  readonly port: number;
  /** Default: both families. */
  readonly host?: string;
  readonly tls?: { readonly key: string; readonly cert: string; readonly ALPNProtocols?: readonly string[] };
  readonly text?: string;
  /** What `frames` answers by stream, a character for a byte. */
  readonly frames?: Readonly<Record<number, string>>;
  /** What `http` answers instead, whatever the path. */
  readonly answer?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  /** Whether `exchange` listens no more as soon as it has a connection. */
  readonly takesOne?: boolean;
  /** The `Authorization` without which `http` gives that answer to nobody. */
  readonly authorization?: string;
  /** When `http` closes idle connections; Node's own default otherwise. */
  readonly keepAliveMs?: number;
}

/** Answer of an echo server, as JSON. */
export type Echoed = Pick<Heard, 'remoteAddress' | 'localAddress' | 'localPort'> & { readonly text: string };

export interface Answer {
  readonly status: number;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  /** SHA-256 of the server's certificate, over TLS. */
  readonly fingerprint?: string;
}

export interface Http2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly trailers: Readonly<Record<string, unknown>>;
  /** Base64. */
  readonly body: string;
}

export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  readonly retryAfter: readonly string[];
}

export interface Dialled {
  readonly text: string;
  readonly ending: 'data' | 'closed' | 'silent';
  readonly ms: number;
}

/** What became of many requests. */
export interface LoadReport {
  readonly answered: number;
  /** Of requests without an answer, or with another than 200. */
  readonly failures: readonly string[];
}

/**
 * How clients talk all the time: with a server of kind `echo` a line on each new connection, or lines on connections that they keep; with one of kind `grpc` in
 * streams of some words, one connection for each client.
 */
export type Talk = 'new connections' | 'kept connections' | 'streams';

/** What became of lines or streams, how often the other side has ended a connection as it should, and what broke. */
export interface TalkReport {
  readonly answered: number;
  readonly ended: number;
  readonly failures: readonly string[];
}

/** One step of a conversation; `send` has a character for a byte. */
export interface Step {
  readonly who: string;
  readonly send: string;
  readonly until: string;
}

/**
 * One turn of a dialogue over TCP: how long a side does not read, what it sends (a character for a byte), how long it waits after that, and
 * whether it then ends its side, closes the connection as a whole, or resets it.
 */
export interface Turn {
  readonly by: 'client' | 'server';
  readonly deafMs?: number;
  readonly send?: string;
  readonly pauseMs?: number;
  readonly leave?: 'end' | 'close' | 'reset';
}

/** What a side of a dialogue has heard: bytes, their CRC-32, and how the other side ended, `silent` after 10 s. */
export interface Told {
  readonly bytes: number;
  readonly crc: number;
  readonly ending: 'end' | 'closed' | 'reset' | 'silent';
}

/** What a stream of HTTP/2 is answered with. */
export interface StreamScript {
  readonly informational?: readonly number[];
  readonly status?: number;
  readonly fields?: Readonly<Record<string, string | readonly string[]>>;
  /** Default: what was heard, a `StreamHeard`. Without any, the answer ends with its fields. */
  readonly body?: string;
  readonly trailers?: Readonly<Record<string, string>>;
  /** Whether the answer does not wait for the end of the request. */
  readonly isEarly?: boolean;
  /** Code with which the stream is reset instead. */
  readonly reset?: number;
}

/** What the server has heard of a stream; a field is `name: value`. */
export interface StreamHeard {
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

/**
 * What the client has seen of a stream, and how it has ended: a code of HTTP/2, the end of the connection, silence, or that the server does not
 * offer CONNECT with a protocol.
 */
export interface StreamSeen {
  readonly informational: readonly number[];
  readonly fields: Readonly<Record<string, unknown>>;
  readonly body: string;
  readonly trailers: Readonly<Record<string, unknown>>;
  readonly ending: number | 'connection' | 'silent' | 'not offered';
}

interface Peer {
  readonly host: string;
  readonly port: number;
}

/** What an agent can be told to do in its namespace. */
export interface AgentCalls {
  listen(options: ListenOptions): Promise<null>;
  close(options: { readonly port: number }): Promise<null>;
  /** How many connections a server has that speaks TCP or HTTP. */
  connected(options: { readonly port: number }): Promise<number>;
  /** How many connections a server of TCP or HTTP has had. */
  accepted(options: { readonly port: number }): Promise<number>;
  setHealthy(state: boolean): Promise<null>;
  /** What the collector was sent so far: gRPC messages, base64. */
  collected(): Promise<readonly string[]>;
  /** One HTTP request on a connection of its own, by default for at most 10 s; over TLS no certificate is checked. */
  ask(options: {
    readonly url: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly limitMs?: number;
  }): Promise<Answer>;
  /** One HTTP/2 request without TLS, with prior knowledge. `body` is base64. */
  askHttp2(options: {
    readonly url: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  }): Promise<Http2Answer>;
  /** One stream on a connection of its own. `isOpen` leaves the client's side of it open; a body has a character for a byte. */
  askStream(
    options: Peer & {
      readonly fields: Readonly<Record<string, string | readonly string[]>>;
      readonly body?: string;
      readonly trailers?: Readonly<Record<string, string>>;
      readonly isOpen?: boolean;
    },
  ): Promise<StreamSeen>;
  /** One call with an empty message over gRPC, by its usual library: the status, its text, and a field of the answer. */
  callGrpc(options: { readonly address: string; readonly path: string }): Promise<GrpcStatus>;
  /**
   * Opens a TCP connection and waits for the first bytes or, when told, for a piece of text or for its end; `silent` after
   * `limitMs` (10 s). `halfClose` ends the client's side after what it sends; a vanished peer is `closed`.
   */
  dial(
    options: Peer & {
      readonly send?: string;
      readonly halfClose?: boolean;
      readonly keepAliveMs?: number;
      readonly until?: string;
      readonly untilClosed?: boolean;
      readonly limitMs?: number;
      /** Speaks TLS, whoever the server is; offers these protocols and shows this certificate. */
      readonly tls?: {
        readonly ALPNProtocols?: readonly string[];
        readonly servername?: string;
        readonly cert?: string;
        readonly key?: string;
      };
    },
  ): Promise<Dialled>;
  /**
   * A conversation on several connections to one server, in turn: whoever has no connection yet opens one, sends, and
   * waits for a piece of text, at most 10 s or until its connection ends. Returns what each step has heard, a character
   * for a byte. All connections stay open until the last step.
   */
  converse(options: Peer & { readonly steps: readonly Step[] }): Promise<readonly string[]>;
  /** Tells a server of kind `exchange` what to say on the connections that it gets from now on. */
  prepare(options: { readonly port: number; readonly party: Party }): Promise<null>;
  /** What it has heard since then, by connection. It closes them. */
  received(options: { readonly port: number }): Promise<readonly Exchanged[]>;
  /**
   * Plays a client's part on a connection of its own, until a text is heard, or as many answers with a length, or the
   * server has left, at most `limitMs`.
   */
  exchange(
    options: Peer & {
      readonly party: Party;
      readonly until: string;
      readonly answers?: number;
      readonly limitMs: number;
    },
  ): Promise<Exchanged>;
  /** Serves dialogues on a port: whoever connects from now on meets the server's turns of this one. */
  rehearse(options: { readonly port: number; readonly turns: readonly Turn[] }): Promise<null>;
  /** What the server has heard since, once so many have connected, at most after 10 s, and all dialogues are over. */
  recall(options: { readonly port: number; readonly count: number }): Promise<readonly Told[]>;
  /** Has so many dialogues at the same time, each on a connection of its own, with the client's turns. */
  speak(options: Peer & { readonly turns: readonly Turn[]; readonly count: number }): Promise<readonly Told[]>;
  /** Opens a WebSocket, says something and returns the answer. */
  talk(options: { readonly url: string; readonly text: string }): Promise<string>;
  /** Sends one datagram and returns the answer. */
  sendDatagram(options: Peer & { readonly text: string }): Promise<string>;
  /** Reads a large answer; `crc` is CRC-32 of its bytes. */
  download(options: { readonly url: string }): Promise<{ readonly bytes: number; readonly crc: number }>;
  /** So many clients that ask, each on a connection of its own, and do not read the answer, until they are dropped. */
  holdUnread(options: { readonly url: string; readonly count: number; readonly http2?: boolean }): Promise<null>;
  dropUnread(): Promise<null>;
  /** So many requests at once, each on a connection of its own. */
  askTogether(options: { readonly url: string; readonly count: number }): Promise<LoadReport>;
  /** Bursts of `count` requests on kept connections, with idle times between them. */
  askInBursts(options: {
    readonly url: string;
    readonly count: number;
    readonly gapsMs: readonly number[];
  }): Promise<LoadReport>;
  /** So many requests, at a constant rate whatever the answers do, on kept connections; how long each took, ms. */
  askAtRate(options: {
    readonly url: string;
    readonly connections: number;
    readonly perSecond: number;
    readonly count: number;
  }): Promise<readonly number[]>;
  /** Clients that ask again and again on kept connections, until the load is stopped. */
  startLoad(options: { readonly url: string; readonly clients: number }): Promise<null>;
  /** From now on new connections of the load go elsewhere; those that are open stay. */
  redirectLoad(options: { readonly url: string }): Promise<null>;
  /** How many requests of the load are over. */
  countLoad(): Promise<number>;
  /** Lets requests on their way come to their end, and tells of all. */
  stopLoad(): Promise<LoadReport>;
  /**
   * So many clients of a kind talk until all talks are stopped; talks of several kinds at the same time. What lasts longer
   * than `keptMs` may be ended: kept connections, and streams and first words that take so long.
   */
  startTalks(options: Peer & { readonly talk: Talk; readonly clients: number; readonly keptMs: number }): Promise<null>;
  /** Lets lines and streams on their way come to their end, and tells of all. */
  stopTalks(): Promise<Readonly<Record<Talk, TalkReport>>>;
}

const callNames = [
  'listen',
  'close',
  'connected',
  'accepted',
  'setHealthy',
  'collected',
  'ask',
  'askHttp2',
  'askStream',
  'callGrpc',
  'dial',
  'converse',
  'prepare',
  'received',
  'exchange',
  'rehearse',
  'recall',
  'speak',
  'talk',
  'sendDatagram',
  'download',
  'holdUnread',
  'dropUnread',
  'askTogether',
  'askInBursts',
  'askAtRate',
  'startLoad',
  'redirectLoad',
  'countLoad',
  'stopLoad',
  'startTalks',
  'stopTalks',
] as const satisfies readonly (keyof AgentCalls)[];

export interface Agent extends AgentCalls {
  readonly stop: () => Promise<void>;
}

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** Starts a Node process in a namespace, as root or as another user, and waits until it takes orders. */
export async function startAgent(namespace: string, uid = 0): Promise<Agent> {
  const program = new URL('agent-program.ts', import.meta.url).pathname;
  const [command, ...words] = inNamespace(namespace);
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(command, [...words, process.execPath, program, String(uid)], {
    env,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  const ready = new Promise<unknown>((resolve, reject) => waiting.set(0, { resolve, reject }));
  let last = 0;
  child.on('message', (reply: Reply) => {
    const one = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error === undefined) one?.resolve(reply.result);
    else one?.reject(new Error(reply.error));
  });
  let ended = false;
  child.on('exit', (code) => {
    ended = true;
    for (const one of waiting.values()) one.reject(new Error(`the agent in ${namespace} has ended with ${code}`));
  });
  await ready;
  const tell = (call: keyof AgentCalls, input: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (ended) throw new Error(`the agent in ${namespace} has ended`);
      last += 1;
      waiting.set(last, { resolve, reject });
      child.send({ id: last, call, input });
    });
  const calls = Object.fromEntries(callNames.map((name) => [name, (input?: unknown) => tell(name, input)]));
  return {
    ...(calls as unknown as AgentCalls),
    async stop() {
      if (ended) return;
      const exit = once(child, 'exit');
      child.disconnect();
      await exit;
    },
  };
}
