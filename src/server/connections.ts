import type { Server, Socket } from 'node:net';

/** The open connections of one server. */
export interface Connections {
  /** Marks the connection as one that has carried a valid request. Other connections are closed before it. */
  welcome(socket: Socket): void;
  isWelcome(socket: Socket): boolean;
}

/** A key that is the same for a TCP connection and the TLS socket on top of it. */
export function keyOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`;
}

/**
 * Limits the number of connections without refusing new ones, so that idle clients cannot lock out others. Above the
 * limit, a new connection closes the oldest one that was never welcomed, or else the one whose last welcome is oldest.
 * `onCut` is called for each closed connection.
 */
export function boundConnections(server: Server, most: number, onCut: () => void): Connections {
  // Ordered by arrival, and by the last welcome.
  const strangers = new Map<string, Socket>();
  const welcomed = new Map<string, Socket>();
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    if (strangers.size + welcomed.size >= most) {
      const [oldest] = strangers.size > 0 ? strangers : welcomed;
      if (oldest !== undefined) {
        strangers.delete(oldest[0]);
        welcomed.delete(oldest[0]);
        oldest[1].destroy();
        onCut();
      }
    }
    strangers.set(key, socket);
    socket.once('close', () => {
      if (strangers.get(key) === socket) strangers.delete(key);
      if (welcomed.get(key) === socket) welcomed.delete(key);
    });
  });
  return {
    welcome(socket) {
      const key = keyOf(socket);
      const bare = strangers.get(key) ?? welcomed.get(key);
      if (bare === undefined) return;
      strangers.delete(key);
      welcomed.delete(key);
      welcomed.set(key, bare);
    },
    isWelcome: (socket) => welcomed.has(keyOf(socket)),
  };
}
