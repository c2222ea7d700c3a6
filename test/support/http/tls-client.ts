import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Target } from './https-client.ts';
import { until } from '../waiting.ts';

/** A TLS connection whose bytes the test writes itself. */
export interface RawConnection {
  readonly socket: TLSSocket;
  write(text: string | Uint8Array): void;
  /** What has arrived so far. */
  received(): string;
  /** Waits until so much has arrived that the text matches. */
  receive(pattern: RegExp): Promise<string>;
  /** Settles when the connection is gone, whoever ended it and how. */
  readonly closed: Promise<void>;
}

/** Opens a verified connection. Rejects when the handshake fails. */
export async function openConnection(
  target: Target,
  options: ConnectionOptions & { readonly allowHalfOpen?: boolean } = {},
): Promise<RawConnection> {
  const socket = connect({ host: '127.0.0.1', port: target.port, ca: target.ca, servername: 'localhost', ...options });
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    // A peer that hangs up without an alert is a failed handshake too.
    socket.once('close', () => reject(new Error('the connection ended during the handshake')));
  });
  // Resets are what many of these tests are about; they show in `closed`.
  socket.on('error', () => undefined);
  return {
    socket,
    write: (chunk) => void socket.write(chunk),
    received: () => text,
    receive: (pattern) => until(`an answer like ${pattern}`, () => (pattern.test(text) ? text : undefined)),
    closed,
  };
}

/** Opens a connection, writes the bytes and gives back everything that the server said until it hung up. */
export async function converse(
  target: Target,
  text: string | Uint8Array,
  options?: ConnectionOptions,
): Promise<string> {
  const connection = await openConnection(target, options);
  connection.write(text);
  await connection.closed;
  return connection.received();
}

/** Status codes of the HTTP/1.1 answers in what a server said. */
export function statusesOf(received: string): number[] {
  return [...received.matchAll(/(?:^|\n|\})HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
}
