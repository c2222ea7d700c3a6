import { once } from 'node:events';
import { createServer, type TLSSocket } from 'node:tls';
import {
  Server,
  ServerCredentials,
  status,
  type ServerDuplexStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { guardConnections, type ConnectionGate, type StrangerLimits } from './connection-gate.ts';
import type { Timers } from './timers.ts';

/** One open stream of a proxy, as bytes. Nothing is read from it before `onMessage` is called. */
export interface AdsConnection {
  /** Bearer token of the stream; empty if it has none. */
  readonly token: string;
  /** Address of the peer, without its port. */
  readonly peerAddress: string;
  /** Notes that the caller is known: from now on its TCP connection lasts as long as the stream. */
  welcome(): void;
  send(bytes: Uint8Array): void;
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

const identity = (bytes: Buffer): Buffer => bytes;

const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';

/** Bytes go through as they are: many streams share those of a resource. */
const service: ServiceDefinition = {
  deltaAggregatedResources: {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
};

const codes: Readonly<Record<EndReason, status>> = {
  unauthenticated: status.UNAUTHENTICATED,
  invalid: status.INVALID_ARGUMENT,
  unavailable: status.UNAVAILABLE,
  aged: status.OK,
};

/** Time in which the end of a stream reaches the proxy before its connection is closed; no harm is done if it does not. */
const partingMs = 50;

/** Returns the address of a peer such as `10.1.2.3:4567`, `[fd00::1]:4567` or `ipv6:%5Bfd00::1%5D:4567`. */
function addressOf(peer: string): string {
  const address = decodeURIComponent(peer.replace(/^ipv[46]:/, '')).replace(/:\d+$/, '');
  return address.replace(/^\[(.*)\]$/, '$1').replace(/^::ffff:(?=\d+\.)/, '');
}

function connectionOf(
  call: ServerDuplexStream<Buffer, Buffer>,
  gate: ConnectionGate,
  after: Timers['after'],
): AdsConnection {
  const [authorization = ''] = call.metadata.get('authorization').map(String);
  const peer = call.getPeer();
  let isOver = false;
  let release = (): void => undefined;
  const listeners: (() => void)[] = [];
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    release();
    for (const listener of listeners) listener();
  };
  call.on('cancelled', over);
  call.on('error', over);
  call.on('end', () => {
    over();
    call.end();
  });
  return {
    token: authorization.replace(/^Bearer /, ''),
    peerAddress: addressOf(peer),
    welcome() {
      if (!isOver) release = gate.hold(peer);
    },
    send: (bytes) => void (isOver || call.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))),
    end(reason, text) {
      if (isOver) return;
      over();
      if (reason === 'aged') call.end();
      else call.emit('error', { code: codes[reason], details: text });
      after(partingMs, () => gate.close(peer));
    },
    onMessage: (listener) => void call.on('data', listener),
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

/**
 * Starts to listen. Rejects if the address cannot be bound. TLS is ours and not that of the gRPC library, because its server can
 * neither change its certificate nor limit connections.
 */
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
  const streams = new Server({
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // Proxies send keep-alive as often.
    'grpc.http2.min_ping_interval_without_data_ms': 10_000,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.max_receive_message_length': longestMessage,
    'grpc.max_concurrent_streams': streamsOfConnection,
  });
  const listener = createServer({ ...contextOf(options.pair), ALPNProtocols: ['h2'], noDelay: true });
  const gate = guardConnections(listener, options.strangers, options.after, options.onCut);
  const implementation: UntypedServiceImplementation = {
    deltaAggregatedResources: (call: ServerDuplexStream<Buffer, Buffer>) =>
      options.accept(connectionOf(call, gate, options.after)),
  };
  streams.addService(service, implementation);
  const injector = streams.createConnectionInjector(ServerCredentials.createInsecure());
  listener.on('secureConnection', (socket: TLSSocket) => {
    // A peer that goes away in the middle is nobody's error.
    socket.on('error', () => socket.destroy());
    injector.injectConnection(socket);
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
      streams.forceShutdown();
      gate.closeAll();
      await Promise.resolve();
    },
  };
}
