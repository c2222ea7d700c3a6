import {
  Server,
  ServerCredentials,
  status,
  type ServerDuplexStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';

/** One open stream of a proxy, as bytes. */
export interface AdsConnection {
  /** Bearer token of the stream; empty if it has none. */
  readonly token: string;
  /** Address of the peer, without its port. */
  readonly peerAddress: string;
  send(bytes: Uint8Array): void;
  /** Ends the stream. The text is in the proxy's log. */
  end(reason: 'unauthenticated' | 'invalid' | 'unavailable', text: string): void;
  onMessage(listener: (bytes: Uint8Array) => void): void;
  onEnd(listener: () => void): void;
}

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

const codes = {
  unauthenticated: status.UNAUTHENTICATED,
  invalid: status.INVALID_ARGUMENT,
  unavailable: status.UNAVAILABLE,
} as const;

/** Returns the address of a peer such as `10.1.2.3:4567`, `[fd00::1]:4567` or `ipv6:%5Bfd00::1%5D:4567`. */
function addressOf(peer: string): string {
  const address = decodeURIComponent(peer.replace(/^ipv[46]:/, '')).replace(/:\d+$/, '');
  return address.replace(/^\[(.*)\]$/, '$1').replace(/^::ffff:(?=\d+\.)/, '');
}

function connectionOf(call: ServerDuplexStream<Buffer, Buffer>): AdsConnection {
  const [authorization = ''] = call.metadata.get('authorization').map(String);
  let isOver = false;
  const listeners: (() => void)[] = [];
  const over = (): void => {
    if (isOver) return;
    isOver = true;
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
    peerAddress: addressOf(call.getPeer()),
    send: (bytes) => void (isOver || call.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))),
    end(reason, text) {
      if (isOver) return;
      over();
      call.emit('error', { code: codes[reason], details: text });
    },
    onMessage: (listener) => void call.on('data', listener),
    onEnd: (listener) => void listeners.push(listener),
  };
}

/** A running server of discovery streams. */
export interface AdsServer {
  readonly port: number;
  /** Ends all streams and stops listening. */
  stop(): Promise<void>;
}

/** Starts to listen. Rejects if the address cannot be bound. */
export async function startAdsServer(options: {
  /** Host and port; port 0 picks one. */
  readonly address: string;
  /** Certificate chain and key of the control plane, PEM. */
  readonly pair: { readonly certificate: string; readonly privateKey: string };
  readonly accept: (connection: AdsConnection) => void;
}): Promise<AdsServer> {
  const server = new Server({
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // Proxies send keep-alive as often.
    'grpc.http2.min_ping_interval_without_data_ms': 10_000,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.max_receive_message_length': 4 * 1024 * 1024,
  });
  const implementation: UntypedServiceImplementation = {
    deltaAggregatedResources: (call: ServerDuplexStream<Buffer, Buffer>) => options.accept(connectionOf(call)),
  };
  server.addService(service, implementation);
  const { certificate, privateKey } = options.pair;
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(certificate), private_key: Buffer.from(privateKey) },
  ]);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync(options.address, credentials, (error, port) => (error === null ? resolve(port) : reject(error)));
  const port = await promise;
  return {
    port,
    async stop() {
      server.forceShutdown();
      await Promise.resolve();
    },
  };
}
