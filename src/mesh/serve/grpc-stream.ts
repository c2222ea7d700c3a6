import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Message } from '../wire/discovery.ts';

/** Status codes of gRPC that streams end with. */
export const grpcStatus = {
  ok: 0,
  invalidArgument: 3,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** One of those codes. */
export type GrpcStatus = (typeof grpcStatus)[keyof typeof grpcStatus];

/** The server's side of a stream of messages of gRPC over HTTP/2. */
export interface GrpcStream {
  send(message: Message): void;
  /** Ends the stream after what is being sent. `ended` is called when all of it is on its way. */
  end(code: GrpcStatus, text: string, ended?: () => void): void;
  /** Starts to read. `fail` takes why something is no message; nothing is read after that. */
  read(take: (message: Buffer) => void, fail: (problem: string) => void): void;
}

/** Length of a message, after a byte that says whether it is compressed. */
const headBytes = 5;

/**
 * Bytes that are handed to HTTP/2 at a time. Node copies them for TLS, and a connection keeps as much as the most that it has ever had
 * to copy.
 */
const chunkBytes = 64 * 1024;

function head(pieces: readonly Uint8Array[], isCompressed: boolean): Buffer {
  const bytes = Buffer.alloc(headBytes);
  bytes.writeUInt8(Number(isCompressed));
  bytes.writeUInt32BE(
    pieces.reduce((sum, { length }) => sum + length, 0),
    1,
  );
  return bytes;
}

/** Text of a status as headers can carry it. */
function escaped(text: string): string {
  return text.toWellFormed().replaceAll(/[^ -$&-~]/gu, encodeURIComponent);
}

/**
 * Returns a function that takes chunks of a body, and calls `take` with each message that is complete. It returns why something is no
 * message that is read.
 */
export function messageReader(
  mostBytes: number,
  take: (message: Buffer) => void,
): (chunk: Buffer) => string | undefined {
  let chunks: Buffer[] = [];
  let size = 0;
  let wanted = headBytes;
  return (chunk) => {
    chunks.push(chunk);
    size += chunk.length;
    // Chunks are put together once for a message, not for every chunk.
    while (size >= wanted) {
      const all = Buffer.concat(chunks);
      const length = all.readUInt32BE(1);
      if (all[0] !== 0) return 'a message is compressed';
      if (length > mostBytes) return `a message has ${length} bytes; ${mostBytes} are allowed`;
      wanted = headBytes + length;
      chunks = [all];
      if (size < wanted) break;
      take(all.subarray(headBytes, wanted));
      chunks = [all.subarray(wanted)];
      size -= wanted;
      wanted = headBytes;
    }
    return undefined;
  };
}

/** Returns the gRPC stream of a request. Nothing is read from it before `read` is called. */
export function grpcStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, mostBytes: number): GrpcStream {
  const accepted = String(headers['grpc-accept-encoding'] ?? '').split(',');
  const takesDeflate = accepted.some((encoding) => encoding.trim() === 'deflate');
  /** What waits to be sent, in the order of sending; shared bytes, so that a peer that reads slowly costs little. */
  let waiting: Uint8Array[] = [];
  let isSending = false;
  let trailers: Record<string, string | number> | undefined;
  let onEnded = (): void => undefined;

  function sendMore(): void {
    if (isSending || stream.destroyed) return;
    const chunk: Uint8Array[] = [];
    let size = 0;
    for (const piece of waiting) {
      if (size >= chunkBytes) break;
      chunk.push(piece);
      size += piece.length;
    }
    if (chunk.length === 0) {
      if (trailers !== undefined) stream.end();
      return;
    }
    waiting = waiting.slice(chunk.length);
    isSending = true;
    stream.cork();
    for (const [index, piece] of chunk.entries()) {
      const isLast = index === chunk.length - 1;
      stream.write(piece, isLast ? sent : undefined);
    }
    stream.uncork();
  }

  function sent(): void {
    isSending = false;
    sendMore();
  }

  function begin(): void {
    if (stream.headersSent) return;
    const encoding = takesDeflate ? { 'grpc-encoding': 'deflate' } : {};
    const ok = { ':status': 200, 'content-type': 'application/grpc', ...encoding };
    stream.respond(ok, { waitForTrailers: true });
    stream.once('wantTrailers', () => {
      stream.sendTrailers(trailers ?? {});
      onEnded();
    });
  }

  return {
    send(message) {
      if (stream.destroyed || trailers !== undefined) return;
      begin();
      const pieces = takesDeflate ? message.deflated() : message.plain();
      waiting.push(head(pieces, takesDeflate), ...pieces);
      sendMore();
    },
    end(code, text, ended = () => undefined) {
      if (stream.destroyed || trailers !== undefined) return;
      trailers = { 'grpc-status': code, 'grpc-message': escaped(text) };
      onEnded = ended;
      if (stream.headersSent) {
        sendMore();
        return;
      }
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
      ended();
    },
    read(take, fail) {
      const read = messageReader(mostBytes, take);
      stream.on('data', (chunk: Buffer) => {
        const problem = read(chunk);
        if (problem === undefined) return;
        stream.removeAllListeners('data').resume();
        fail(problem);
      });
    },
  };
}
