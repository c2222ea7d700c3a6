import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Limits } from './limits.ts';

/** Why a body was not taken; the status is that of the answer. */
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

/** Bodies that are on their way, and answers that their clients have not taken yet. */
export interface Reception {
  readonly inFlight: number;
  readonly bufferedBytes: number;
  /** Takes the request in: from now on until its answer is out its bytes count. */
  open(request: IncomingMessage, closed: NodeJS.EventEmitter): void;
  /** The whole body. Rejects with `BodyRefusal`. */
  receive(request: IncomingMessage, payload: Readable): Promise<Buffer>;
  /** The body has become an answer of so many bytes. */
  answer(request: IncomingMessage, bytes: number): void;
}

/** One request in the ledger. */
interface Guest {
  bytes: number;
  /** Rounds since it came, and since so much more had arrived that its client counts as moving. */
  age: number;
  still: number;
  /** Bytes at which it counts as moving again. */
  goal: number;
  /** Rounds after which its body has to be there; without end when it is there, or will not be. */
  patience: number;
  /** Gives up its bytes: the body is refused, or the connection with the untaken answer ends. */
  leave(refusal: BodyRefusal): void;
}

/** Between two looks at all guests. Rounds are counted and not milliseconds: our own pauses are nobody's fault. */
const roundMs = 50;

/** Progress by which a client counts as moving; with `stillMs` it makes the least rate under pressure, 256 KiB/s. */
const stepBytes = 64 * 1024;

const mebibyte = 1024 * 1024;

function roundsOf(milliseconds: number): number {
  return Math.ceil(milliseconds / roundMs);
}

function declaredBytes(request: IncomingMessage): number | undefined {
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}

/**
 * Counts bytes as they arrive, never as they are promised. A slow client loses its own place: a body that takes longer
 * than its size allows is refused, and when memory is short, those go first whose clients stand still.
 */
export function createReception(limits: Limits): Reception {
  const guests = new Map<IncomingMessage, Guest>();
  let bufferedBytes = 0;
  /** Of `bufferedBytes`, what is beyond each guest's own. */
  let sharedBytes = 0;
  let sweep: NodeJS.Timeout | undefined;

  const beyondOwn = (bytes: number): number => Math.max(0, bytes - limits.ownBytes);

  const resize = (guest: Guest, bytes: number): void => {
    bufferedBytes += bytes - guest.bytes;
    sharedBytes += beyondOwn(bytes) - beyondOwn(guest.bytes);
    guest.bytes = bytes;
  };

  const round = (): void => {
    sweep = guests.size === 0 ? undefined : setTimeout(round, roundMs).unref();
    for (const guest of guests.values()) {
      guest.age += 1;
      guest.still += 1;
      if (guest.age > guest.patience) guest.leave(new BodyRefusal(408, 'SI_SLOW_BODY'));
    }
  };

  /** The guest that has stood still for longest, if any has for too long. */
  const idler = (): Guest | undefined => {
    let found: Guest | undefined;
    for (const guest of guests.values()) {
      if (beyondOwn(guest.bytes) > 0 && guest.still > (found?.still ?? roundsOf(limits.stillMs))) found = guest;
    }
    return found;
  };

  /** Whether the guest's bytes fit, after others that stand still have left. Its own and a single one's always do. */
  const makeRoom = (guest: Guest): boolean => {
    const wanted = beyondOwn(guest.bytes);
    while (wanted > 0 && sharedBytes > limits.bufferedBytes && sharedBytes > wanted) {
      const victim = idler();
      if (victim === undefined || victim === guest) return false;
      victim.leave(new BodyRefusal(503, 'SI_BUFFERED'));
      // At once, not when its connection is closed at last: the next look must not find it again.
      resize(victim, 0);
    }
    return true;
  };

  return {
    get inFlight() {
      return guests.size;
    },
    get bufferedBytes() {
      return bufferedBytes;
    },
    open(request, closed) {
      const mebibytes = Math.ceil(Math.min(declaredBytes(request) ?? limits.bodyBytes, limits.bodyBytes) / mebibyte);
      const guest: Guest = {
        bytes: 0,
        age: 0,
        still: 0,
        goal: stepBytes,
        patience: roundsOf(limits.bodyTimeoutMs + mebibytes * limits.bodyTimeoutPerMebibyteMs),
        leave: () => undefined,
      };
      guests.set(request, guest);
      sweep ??= setTimeout(round, roundMs).unref();
      // The answer is out or will never be: Fastify's own hooks miss connections that break behind a complete body.
      closed.once('close', () => {
        if (guest.patience < Infinity) guest.leave(new BodyRefusal(400, 'SI_BROKEN_BODY'));
        resize(guest, 0);
        guests.delete(request);
      });
    },
    async receive(request, payload) {
      const guest = guests.get(request);
      if (guest === undefined) throw new Error('the request was not opened');
      if ((declaredBytes(request) ?? 0) > limits.bodyBytes) throw new BodyRefusal(413, 'SI_BODY_TOO_LARGE');
      const chunks: Buffer[] = [];
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      guest.leave = (refusal) => {
        guest.patience = Infinity;
        resize(guest, 0);
        chunks.length = 0;
        payload.removeAllListeners('data');
        // What an overloaded server passes by is read on, so that the connection lasts for the next try.
        if (refusal.statusCode === 503) payload.resume();
        else payload.pause();
        reject(refusal);
      };
      payload.on('data', (chunk: Buffer) => {
        const bytes = guest.bytes + chunk.length;
        if (bytes > limits.bodyBytes) return guest.leave(new BodyRefusal(413, 'SI_BODY_TOO_LARGE'));
        resize(guest, bytes);
        if (bytes >= guest.goal) {
          guest.goal = bytes + stepBytes;
          guest.still = 0;
        }
        if (!makeRoom(guest)) return guest.leave(new BodyRefusal(503, 'SI_BUFFERED'));
        chunks.push(chunk);
      });
      payload.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
      payload.once('error', () => reject(new BodyRefusal(400, 'SI_BROKEN_BODY')));
      payload.once('close', () => reject(new BodyRefusal(400, 'SI_BROKEN_BODY')));
      const body = await promise;
      guest.patience = Infinity;
      guest.leave = () => undefined;
      return body;
    },
    answer(request, bytes) {
      const guest = guests.get(request);
      if (guest === undefined) return;
      guest.still = 0;
      guest.leave = () => request.socket.destroy();
      resize(guest, bytes);
    },
  };
}
