import { connect, type TLSSocket } from 'node:tls';

/** A kept-alive HTTPS connection that sends one request at a time. */
export interface Connection {
  /** Sends a whole request and resolves with the answer's body when its last byte is here. Rejects unless it is 200. */
  exchange(request: Buffer): Promise<Buffer>;
  close(): void;
}

/** The request line, headers and body of one review, as the API server's client writes them. */
export function requestBytes(review: string): Buffer {
  const body = Buffer.from(review, 'utf8');
  const head = [
    'POST /inject?timeout=5s HTTP/1.1',
    'Host: sidecar-injector.sidecar-injector-system.svc:443',
    'User-Agent: kube-apiserver-admission',
    `Content-Length: ${body.length}`,
    'Accept: application/json, */*',
    'Content-Type: application/json',
    'Accept-Encoding: gzip',
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), body]);
}

interface Pending {
  readonly resolve: (body: Buffer) => void;
  readonly reject: (error: Error) => void;
  readonly chunks: Buffer[];
  received: number;
  /** Bytes of head and body together, known when the head is here. */
  expected: number;
  headBytes: number;
}

function readHead(pending: Pending): void {
  const text = Buffer.concat(pending.chunks).toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return;
  const head = text.slice(0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (!head.startsWith('HTTP/1.1 200 ') || length === undefined) {
    throw new Error(`unexpected answer: ${head.split('\r\n', 1)[0]}`);
  }
  pending.headBytes = end + 4;
  pending.expected = pending.headBytes + Number(length);
}

function attend(socket: TLSSocket): Connection {
  let pending: Pending | undefined;
  const fail = (error: Error): void => {
    const failed = pending;
    pending = undefined;
    failed?.reject(error);
  };
  socket.on('data', (chunk: Buffer) => {
    if (pending === undefined) return;
    pending.chunks.push(chunk);
    pending.received += chunk.length;
    try {
      if (pending.expected === 0) readHead(pending);
    } catch (error) {
      return fail(error as Error);
    }
    if (pending.expected === 0 || pending.received < pending.expected) return undefined;
    const { resolve, chunks, headBytes } = pending;
    pending = undefined;
    return resolve(Buffer.concat(chunks).subarray(headBytes));
  });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed the connection')));
  return {
    exchange(request) {
      return new Promise((resolve, reject) => {
        pending = { resolve, reject, chunks: [], received: 0, expected: 0, headBytes: 0 };
        socket.write(request);
      });
    },
    close: () => socket.destroy(),
  };
}

/**
 * Opens a connection to a server of 127.0.0.1. A client of our own, because it must leave the processor to the server:
 * it writes prepared bytes and looks at nothing but status and length of the answer.
 */
export function openConnection(port: number, ca: string): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, ALPNProtocols: ['http/1.1'] });
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      socket.off('error', reject);
      resolve(attend(socket));
    });
  });
}
