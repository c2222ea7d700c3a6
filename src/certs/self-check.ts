import { connect, type TLSSocket } from 'node:tls';
import { secondMs } from './durations.ts';
import { messageOf } from './error-message.ts';

/** Completes a TLS handshake with this server, trusting only the given bundle; rejects with the reason otherwise. */
export type VerifyServing = (bundlePem: string) => Promise<void>;

/**
 * Creates a check of what an API server would see: a TLS handshake with our own port and the Service's name, trusting
 * only the given bundle.
 *
 * @param target.servername the name to verify and to send as SNI, `<service>.<namespace>.svc`
 */
export function createSelfCheck(target: {
  readonly host: string;
  readonly port: number;
  readonly servername: string;
  readonly timeoutMs?: number;
}): VerifyServing {
  const { host, port, servername, timeoutMs = 5 * secondMs } = target;
  return async (bundlePem) => {
    const socket = connect({ host, port, servername, ca: bundlePem, minVersion: 'TLSv1.2', rejectUnauthorized: true });
    try {
      await handshake(socket, timeoutMs);
    } catch (error) {
      const why = messageOf(error);
      throw new Error(`TLS handshake with ${host}:${port} as '${servername}' failed: ${why}`, { cause: error });
    } finally {
      socket.destroy();
    }
  };
}

async function handshake(socket: TLSSocket, timeoutMs: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  socket.once('secureConnect', resolve);
  // Stays registered after the handshake, so that a late connection reset does not end the process.
  socket.on('error', reject);
  socket.once('close', () => reject(new Error('the connection was closed')));
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
}
