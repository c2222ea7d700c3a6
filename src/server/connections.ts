import type { Server, Socket } from 'node:net';

/** The open connections of one server. */
export interface Connections {
  /** The client has proved to be one that the server is for: its connection is kept before those of strangers. */
  welcome(socket: Socket): void;
  isWelcome(socket: Socket): boolean;
}

/** The same for the bare connection and for the one with TLS on top of it. */
function keyOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`;
}

/**
 * Bounds the connections of a server, so that whoever only holds them never keeps another out: for a new one above the
 * bound the oldest stranger's ends, and only without strangers the one that brought nothing for longest. `onCut` hears
 * of each.
 */
export function boundConnections(server: Server, most: number, onCut: () => void): Connections {
  // In the order in which they came, or were welcomed last.
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
