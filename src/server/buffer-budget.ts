import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Limits } from './limits.ts';
import { createTurns } from './turns.ts';

/** Why a body was not read to its end; `statusCode` is the status of the response. */
export class BodyRefusal extends Error {
  readonly statusCode: 400 | 408 | 413 | 503;
  readonly code: string;

  constructor(statusCode: BodyRefusal['statusCode'], code: string) {
    super(code);
    this.name = 'BodyRefusal';
    this.statusCode = statusCode;
    this.code = code;
  }
}

/** Bounds the memory of request bodies being received and of responses that clients have not read yet. */
export interface BufferBudget {
  readonly inFlight: number;
  readonly bufferedBytes: number;
  /** Starts counting the request's bytes, until `response` emits `close`. */
  track(request: IncomingMessage, response: NodeJS.EventEmitter): void;
  /**
   * Passes the complete body, or a `BodyRefusal`, to `done`. Not a promise: a promise would keep the body in memory as
   * long as the request.
   */
  readBody(
    request: IncomingMessage,
    payload: Readable,
    done: (refusal: BodyRefusal | null, body?: Buffer) => void,
  ): void;
  /** Counts the response, of this many bytes, in place of the body. */
  holdAnswer(request: IncomingMessage, bytes: number): void;
}

/** What is known of one request. */
interface Account {
  bytes: number;
  /** Rounds since the request arrived, except those in which it waited for its turn. */
  age: number;
  /** Rounds since its client last counted as making progress. */
  stalled: number;
  /** Number of bytes at which the client counts as making progress again. */
  nextProgress: number;
  /** Rounds until the body must be complete; Infinity once it is complete or refused. */
  deadline: number;
}

/**
 * Interval at which all requests are inspected. Time is counted in rounds so that a pause of our own blames no client.
 */
const roundMs = 50;

/** Bytes that count as progress; with `stallMs` this is a minimum rate of 256 KiB/s while memory is short. */
const progressBytes = 64 * 1024;

const mebibyte = 1024 * 1024;

/**
 * Frees a request's memory: refuses its body, or closes the connection of an unread response. It is stored on the
 * request rather than in the account: accounts are long-lived, and V8 would promote whatever they refer to, the body
 * included, to the old generation.
 */
type Evict = (refusal: BodyRefusal) => void;
const evict = Symbol('evict');

interface TrackedRequest extends IncomingMessage {
  [evict]?: Evict | undefined;
}

function roundsOf(milliseconds: number): number {
  return Math.ceil(milliseconds / roundMs);
}

function declaredBytes(request: IncomingMessage): number | undefined {
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}

/**
 * Counts bytes when they arrive; the declared length reserves nothing. A body that takes longer than its size allows is
 * refused. When memory is short, the requests of stalled clients are evicted first.
 */
export function createBufferBudget(limits: Limits): BufferBudget {
  const accounts = new Map<TrackedRequest, Account>();
  let bufferedBytes = 0;
  /** The part of `bufferedBytes` that exceeds what is reserved for each request. */
  let sharedBytes = 0;
  let sweep: NodeJS.Timeout | undefined;
  const turns = createTurns(limits.largeBodies);

  const beyondReserve = (bytes: number): number => Math.max(0, bytes - limits.reservedBytes);

  const resize = (account: Account, bytes: number): void => {
    bufferedBytes += bytes - account.bytes;
    sharedBytes += beyondReserve(bytes) - beyondReserve(account.bytes);
    account.bytes = bytes;
  };

  const round = (): void => {
    sweep = accounts.size === 0 ? undefined : setTimeout(round, roundMs).unref();
    turns.round();
    for (const [request, account] of accounts) {
      // It is we who let it wait.
      if (turns.isWaiting(request)) continue;
      account.age += 1;
      account.stalled += 1;
      if (account.age > account.deadline) request[evict]?.(new BodyRefusal(408, 'SI_SLOW_BODY'));
    }
  };

  /** The request that has been stalled longest; undefined if none has been for longer than `stallMs`. */
  const longestStalled = (): readonly [TrackedRequest, Account] | undefined => {
    let found: readonly [TrackedRequest, Account] | undefined;
    for (const entry of accounts) {
      const [, { bytes, stalled }] = entry;
      if (beyondReserve(bytes) > 0 && stalled > (found?.[1].stalled ?? roundsOf(limits.stallMs))) found = entry;
    }
    return found;
  };

  /**
   * Evicts stalled requests until this one's bytes fit; false if they do not. Bytes within the reserve, and those of a
   * request that is the only one beyond it, always fit.
   */
  const makeRoom = (account: Account): boolean => {
    const wanted = beyondReserve(account.bytes);
    while (wanted > 0 && sharedBytes > limits.bufferedBytes && sharedBytes > wanted) {
      const [request, victim] = longestStalled() ?? [];
      if (request === undefined || victim === undefined || victim === account) return false;
      request[evict]?.(new BodyRefusal(503, 'SI_BUFFERED'));
      // Not left to the connection's close: the next search must not find the same request.
      resize(victim, 0);
    }
    return true;
  };

  return {
    get inFlight() {
      return accounts.size;
    },
    get bufferedBytes() {
      return bufferedBytes;
    },
    track(request, response) {
      const mebibytes = Math.ceil(Math.min(declaredBytes(request) ?? limits.bodyBytes, limits.bodyBytes) / mebibyte);
      const account: Account = {
        bytes: 0,
        age: 0,
        stalled: 0,
        nextProgress: progressBytes,
        deadline: roundsOf(limits.bodyTimeoutMs + mebibytes * limits.bodyTimeoutPerMebibyteMs),
      };
      accounts.set(request, account);
      sweep ??= setTimeout(round, roundMs).unref();
      // The response was sent or never will be. Fastify's hooks miss connections that break after a complete body.
      response.once('close', () => {
        if (account.deadline < Infinity) (request as TrackedRequest)[evict]?.(new BodyRefusal(400, 'SI_BROKEN_BODY'));
        resize(account, 0);
        accounts.delete(request);
      });
    },
    readBody(request: TrackedRequest, payload, done) {
      const account = accounts.get(request);
      if (account === undefined) return done(new BodyRefusal(400, 'SI_BROKEN_BODY'));
      const chunks: Buffer[] = [];
      const refuse: Evict = (refusal) => {
        if (account.deadline === Infinity) return;
        account.deadline = Infinity;
        resize(account, 0);
        chunks.length = 0;
        payload.removeListener('data', take);
        turns.leave(request);
        // The rest of a body refused for overload is read and discarded, so that the client can retry on this
        // connection.
        if (refusal.statusCode === 503) payload.resume();
        else payload.pause();
        done(refusal);
      };
      request[evict] = refuse;
      const take = (chunk: Buffer): void => {
        const bytes = account.bytes + chunk.length;
        if (bytes > limits.bodyBytes) return refuse(new BodyRefusal(413, 'SI_BODY_TOO_LARGE'));
        resize(account, bytes);
        if (bytes >= account.nextProgress) {
          account.nextProgress = bytes + progressBytes;
          account.stalled = 0;
        }
        if (!makeRoom(account)) return refuse(new BodyRefusal(503, 'SI_BUFFERED'));
        chunks.push(chunk);
        if (bytes > limits.largeBytes && bytes - chunk.length <= limits.largeBytes) turns.enter(request, payload);
      };
      // Creating an error captures a stack, so none is created when a body ends normally.
      const broken = (): void => {
        if (account.deadline < Infinity) refuse(new BodyRefusal(400, 'SI_BROKEN_BODY'));
      };
      if ((declaredBytes(request) ?? 0) > limits.bodyBytes) {
        return refuse(new BodyRefusal(413, 'SI_BODY_TOO_LARGE'));
      }
      payload.on('data', take);
      payload.once('end', () => {
        if (account.deadline === Infinity) return;
        account.deadline = Infinity;
        request[evict] = undefined;
        turns.leave(request);
        // Always a copy: a chunk is a view of the socket's read buffer, and the body is modified in place later.
        const body = Buffer.concat(chunks, account.bytes);
        // The connection keeps its last request until the next one arrives, and with it everything these closures refer
        // to.
        chunks.length = 0;
        payload.removeListener('data', take).removeListener('error', broken).removeListener('close', broken);
        done(null, body);
      });
      payload.once('error', broken);
      payload.once('close', broken);
    },
    holdAnswer(request: TrackedRequest, bytes) {
      const account = accounts.get(request);
      if (account === undefined) return;
      account.stalled = 0;
      request[evict] = () => request.socket.destroy();
      resize(account, bytes);
    },
  };
}
