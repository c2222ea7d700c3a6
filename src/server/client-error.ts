import type { Socket } from 'node:net';

/** What the HTTP parser gives up with, as far as it has a status of its own (RFC 9110, 15.5.9; RFC 6585, 5). */
const statuses: ReadonlyMap<string, string> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
]);

/** How long a refused client may take to read its answer. */
const lingerMs = 1_000;

/**
 * Answers a request that never became one, and ends its connection. The client need not agree to that: one that does
 * not hang up by itself would otherwise hold the connection for ever.
 */
export function answerClientError(code: string | undefined, socket: Socket): void {
  if (socket.destroyed || socket.writableEnded) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const status = statuses.get(code ?? '') ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  const linger = setTimeout(() => socket.destroy(), lingerMs).unref();
  socket.once('close', () => clearTimeout(linger));
}
