import { connect, type TLSSocket } from 'node:tls';

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** A kept-alive HTTPS connection that sends one request at a time. */
export interface Connection {
  /** Sends a whole request and resolves when the last byte of its answer is here. Rejects when the connection ends. */
  ask(request: Buffer): Promise<Answer>;
  /** The same for the body of an answer 200. Rejects when it is another. */
  exchange(request: Buffer): Promise<Buffer>;
  /** False when either side has ended it. */
  isOpen(): boolean;
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
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly chunks: Buffer[];
  received: number;
  status: number;
  /** Bytes of head and body together, known when the head is here. */
  expected: number;
  headBytes: number;
}

function unexpected(what: string | undefined): Error {
  return new Error(`unexpected answer: ${what}`);
}

function gone(): Error {
  return new Error('the server closed the connection');
}

function readHead(pending: Pending): void {
  const text = Buffer.concat(pending.chunks).toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return;
  const head = text.slice(0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1];
  if (status === undefined || length === undefined) throw unexpected(head.split('\r\n', 1)[0]);
  pending.status = Number(status);
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
    const { resolve, status, chunks, headBytes } = pending;
    pending = undefined;
    return resolve({ status, body: Buffer.concat(chunks).subarray(headBytes) });
  });
  socket.on('error', fail);
  socket.on('close', () => fail(gone()));
  const ask = (request: Buffer): Promise<Answer> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(gone());
      pending = { resolve, reject, chunks: [], received: 0, status: 0, expected: 0, headBytes: 0 };
      socket.write(request);
    });
  return {
    ask,
    async exchange(request) {
      const { status, body } = await ask(request);
      if (status !== 200) throw unexpected(`HTTP/1.1 ${status}`);
      return body;
    },
    isOpen: () => socket.readable && socket.writable,
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
