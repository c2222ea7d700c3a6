import type { Server, Socket } from 'node:net';
import { keyOf } from './connections.ts';

/** Rounds within the time limit. A pause of ours takes at most one, and every round gets what has arrived read. */
const rounds = 20;

/**
 * Closes connections whose TLS handshake takes too long. Time is counted in rounds of a timer: Node's own
 * `handshakeTimeout` closes every connection whose handshake arrived while this process was busy. `onCut` is called for
 * each closed connection.
 */
export function boundHandshakes(server: Server, timeoutMs: number, onCut: () => void): void {
  const pending = new Map<string, { readonly socket: Socket; age: number }>();
  let sweep: NodeJS.Timeout | undefined;
  const round = (): void => {
    for (const [key, handshake] of pending) {
      handshake.age += 1;
      if (handshake.age <= rounds) continue;
      pending.delete(key);
      onCut();
      handshake.socket.destroy();
    }
    sweep = pending.size === 0 ? undefined : setTimeout(round, timeoutMs / rounds).unref();
  };
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    pending.set(key, { socket, age: 0 });
    sweep ??= setTimeout(round, timeoutMs / rounds).unref();
    socket.once('close', () => {
      if (pending.get(key)?.socket === socket) pending.delete(key);
    });
  });
  server.on('secureConnection', (socket: Socket) => pending.delete(keyOf(socket)));
}
