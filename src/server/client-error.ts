import type { Socket } from 'node:net';

/** Statuses for errors of the HTTP parser (RFC 9110 section 15.5.9, RFC 6585 section 5); all others are 400. */
const statuses: ReadonlyMap<string, string> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
]);

/** How long a client may take to read the response before its connection is destroyed. */
const lingerMs = 1_000;

/**
 * Answers a request that Node could not parse (`clientError`), and closes its connection, even if the client keeps its
 * side open.
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
