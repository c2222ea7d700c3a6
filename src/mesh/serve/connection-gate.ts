import type { Server, Socket } from 'node:net';
import type { Timers } from './timers.ts';

/** What connections may cost that no known proxy uses. */
export interface StrangerLimits {
  /** Connections without a stream of a known proxy, in all and of one address. The oldest is closed for a new one. */
  readonly most: number;
  readonly mostOfAddress: number;
  /** Time after which such a connection is closed. */
  readonly patienceMs: number;
}

/** A proxy proves who it is with its first bytes, so that strangers are few and do not stay. */
export const defaultStrangerLimits: StrangerLimits = { most: 1_024, mostOfAddress: 8, patienceMs: 15_000 };

/** The connections of a server: those that carry a stream of a known proxy, and strangers. */
export interface ConnectionGate {
  /**
   * Notes that a connection carries a stream of a known proxy. `peer` is its `address:port`. The function that is returned notes
   * that this stream has ended; without another one, the connection is a stranger again.
   */
  hold(peer: string): () => void;
  /** Closes a connection, unless it carries a stream. */
  close(peer: string): void;
  closeAll(): void;
}

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  streams: number;
  /** Ends the wait of a stranger. */
  endWait: () => void;
}

/** Returns the text by which a connection is known, the same for a TCP connection and TLS on top of it. */
export function peerOf({ remoteAddress = '', remotePort }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress}:${remotePort}`;
}

/**
 * Bounds what peers cost that have not proved to be a proxy, from the first packet on: without a limit, anybody in the cluster could
 * fill the memory, or keep proxies out by holding connections open.
 */
export function guardConnections(
  server: Server,
  limits: StrangerLimits,
  after: Timers['after'],
  onCut: () => void,
): ConnectionGate {
  const connections = new Map<string, Connection>();
  // In the order in which they became strangers.
  const strangers = new Set<Connection>();

  function cut(connection: Connection): void {
    onCut();
    forget(connection);
    connection.socket.destroy();
  }

  function forget(connection: Connection): void {
    connection.endWait();
    strangers.delete(connection);
  }

  function estrange(connection: Connection): void {
    strangers.add(connection);
    connection.endWait = after(limits.patienceMs, () => cut(connection));
    const ofAddress = [...strangers].filter(({ address }) => address === connection.address);
    const [oldest] = ofAddress.length > limits.mostOfAddress ? ofAddress : strangers;
    if (oldest === undefined) return;
    if (ofAddress.length > limits.mostOfAddress || strangers.size > limits.most) cut(oldest);
  }

  server.on('connection', (socket: Socket) => {
    const peer = peerOf(socket);
    const connection: Connection = {
      socket,
      address: socket.remoteAddress ?? '',
      streams: 0,
      endWait: () => undefined,
    };
    connections.set(peer, connection);
    socket.once('close', () => {
      forget(connection);
      if (connections.get(peer) === connection) connections.delete(peer);
    });
    estrange(connection);
  });

  return {
    hold(peer) {
      const connection = connections.get(peer);
      if (connection === undefined) return () => undefined;
      connection.streams += 1;
      forget(connection);
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        connection.streams -= 1;
        if (connection.streams === 0 && connections.get(peer) === connection) estrange(connection);
      };
    },
    close(peer) {
      const connection = connections.get(peer);
      if (connection?.streams === 0) connection.socket.destroy();
    },
    closeAll() {
      for (const { socket } of connections.values()) socket.destroy();
    },
  };
}
