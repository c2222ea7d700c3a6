import { once } from 'node:events';
import { createSecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Message } from '../wire/discovery.ts';
import { guardConnections, peerOf, type ConnectionGate, type StrangerLimits } from './connection-gate.ts';
import { grpcStatus, grpcStream, type GrpcStatus, type GrpcStream } from './grpc-stream.ts';
import type { Timers } from './timers.ts';

/** One open stream of a proxy. Nothing is read from it before `onMessage` is called. */
export interface AdsConnection {
  /** Bearer token of the stream; empty if it has none. */
  readonly token: string;
  /** Address of the peer, without its port. */
  readonly peerAddress: string;
  /** Notes that the caller is known: from now on its TCP connection lasts as long as the stream. */
  welcome(): void;
  send(message: Message): void;
  /**
   * Ends the stream. The text is in the proxy's log. The TCP connection is closed as well: the next stream may be another replica's,
   * and who is not let in cannot try again for the price of a few bytes.
   */
  end(reason: EndReason, text: string): void;
  onMessage(listener: (bytes: Uint8Array) => void): void;
  onEnd(listener: () => void): void;
}

/** Why a stream is ended. A stream that has reached its age ends without an error. */
export type EndReason = 'unauthenticated' | 'invalid' | 'unavailable' | 'aged';

const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

const codes: Readonly<Record<EndReason, GrpcStatus>> = {
  unauthenticated: grpcStatus.unauthenticated,
  invalid: grpcStatus.invalidArgument,
  unavailable: grpcStatus.unavailable,
  aged: grpcStatus.ok,
};

/**
 * Time in which the end of a stream reaches the proxy before its connection is closed, once it is on its way; and the time for all
 * that, for a proxy that does not read. No harm is done if it does not arrive.
 */
const partingMs = { onItsWay: 50, all: 1_000 } as const;

interface Opened {
  readonly stream: ServerHttp2Stream;
  readonly messages: GrpcStream;
  /** The value of its header. */
  readonly authorization: string;
  readonly address: string;
  /** The peer as the gate knows it. */
  readonly peer: string;
}

function connectionOf(
  { stream, messages, authorization, address, peer }: Opened,
  gate: ConnectionGate,
  after: Timers['after'],
): AdsConnection {
  let isOver = false;
  let release = (): void => undefined;
  const listeners: (() => void)[] = [];
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    release();
    for (const listener of listeners) listener();
  };
  const end = (reason: EndReason, text: string): void => {
    if (isOver) return;
    over();
    const closeAfter = (milliseconds: number): void => void after(milliseconds, () => gate.close(peer));
    messages.end(codes[reason], text, () => closeAfter(partingMs.onItsWay));
    closeAfter(partingMs.all);
  };
  stream.on('close', over);
  // The proxy has said all.
  stream.on('end', () => {
    over();
    messages.end(grpcStatus.ok, '');
  });
  return {
    token: authorization.replace(/^Bearer /, ''),
    peerAddress: address.replace(/^::ffff:(?=\d+\.)/, ''),
    welcome() {
      if (!isOver) release = gate.hold(peer);
    },
    send(message) {
      if (!isOver) messages.send(message);
    },
    end,
    onMessage(listener) {
      messages.read(
        (message) => {
          if (!isOver) listener(message);
        },
        (problem) => end('invalid', `not a discovery request: ${problem}`),
      );
    },
    onEnd: (listener) => void listeners.push(listener),
  };
}

/** A certificate chain with its key, PEM. */
export interface ServingPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** A running server of discovery streams. */
export interface AdsServer {
  readonly port: number;
  /** Presents another certificate to connections from now on. Those that are open stay. */
  useCertificate(pair: ServingPair): void;
  /** Ends all streams and stops listening. */
  stop(): Promise<void>;
}

/** Bytes of one message. A first request names all that a proxy holds, about 100 bytes for each resource. */
const longestMessage = 4 * 1024 * 1024;

/** Streams of one connection at the same time. A proxy has one; a new one may come before the last has ended. */
const streamsOfConnection = 4;

/** All options, for each certificate again: those that are left out would become Node's defaults. Envoy speaks TLS 1.3. */
function contextOf({ certificate, privateKey }: ServingPair) {
  return { cert: certificate, key: privateKey, minVersion: 'TLSv1.3' } as const;
}

/** How often a connection is asked whether its peer is still there, and how long that may take. */
const keepAliveMs = { interval: 30_000, answer: 10_000 } as const;

/** Closes a connection whose peer has vanished without a word. */
function keepAlive(session: ServerHttp2Session, after: Timers['after']): void {
  let stop = after(keepAliveMs.interval, ask);
  session.once('close', () => stop());

  function ask(): void {
    if (session.closed) return;
    stop = after(keepAliveMs.answer, () => session.destroy());
    const isSent = session.ping(() => {
      stop();
      if (!session.closed) stop = after(keepAliveMs.interval, ask);
    });
    // So many questions are open that one more is not sent.
    if (!isSent) session.destroy();
  }
}

/** Starts to listen. Rejects if the address cannot be bound. */
export async function startAdsServer(options: {
  readonly host: string;
  /** Port 0 picks one. */
  readonly port: number;
  readonly pair: ServingPair;
  readonly strangers: StrangerLimits;
  readonly after: Timers['after'];
  readonly accept: (connection: AdsConnection) => void;
  /** Called for each connection that is closed because nothing of a known proxy came on it. */
  readonly onCut: () => void;
  /** Called if a connection cannot be accepted, such as for want of file descriptors. */
  readonly onError: (error: Error) => void;
}): Promise<AdsServer> {
  const listener = createSecureServer({
    ...contextOf(options.pair),
    noDelay: true,
    settings: { maxConcurrentStreams: streamsOfConnection },
  });
  const gate = guardConnections(listener, options.strangers, options.after, options.onCut);
  listener.on('session', (session) => keepAlive(session, options.after));
  listener.on('stream', (stream, headers) => {
    // A peer that goes away in the middle is nobody's error.
    stream.on('error', () => undefined);
    const messages = grpcStream(stream, headers, longestMessage);
    const socket = stream.session?.socket;
    if (socket === undefined) return;
    if (headers[':path'] !== path) {
      messages.end(grpcStatus.unimplemented, `${headers[':path'] ?? ''} is not served`);
      return;
    }
    const { authorization = '' } = headers;
    const peer = peerOf(socket);
    const opened = { stream, messages, authorization, address: socket.remoteAddress ?? '', peer };
    options.accept(connectionOf(opened, gate, options.after));
  });
  listener.listen({ host: options.host, port: options.port });
  await once(listener, 'listening');
  listener.on('error', options.onError);
  const address = listener.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    useCertificate: (pair) => listener.setSecureContext(contextOf(pair)),
    async stop() {
      listener.close();
      gate.closeAll();
      await Promise.resolve();
    },
  };
}
