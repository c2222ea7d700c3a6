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
  /** Gives the whole body to `done`, or a `BodyRefusal`; not as a promise, which would keep it for as long as the request. */
  receive(
    request: IncomingMessage,
    payload: Readable,
    done: (refusal: BodyRefusal | null, body?: Buffer) => void,
  ): void;
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
}

/** Between two looks at all guests. Rounds are counted and not milliseconds: our own pauses are nobody's fault. */
const roundMs = 50;

/** Progress by which a client counts as moving; with `stillMs` it makes the least rate under pressure, 256 KiB/s. */
const stepBytes = 64 * 1024;

const mebibyte = 1024 * 1024;

/**
 * How a guest gives up its bytes: the body is refused, or the connection with the untaken answer ends. It stands on the request
 * and not on the guest: the ledger lives long, and what it refers to directly would be moved to old memory with its body.
 */
type Leave = (refusal: BodyRefusal) => void;
const leave = Symbol('leave');

interface Guested extends IncomingMessage {
  [leave]?: Leave | undefined;
}

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
  const guests = new Map<Guested, Guest>();
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
    for (const [request, guest] of guests) {
      guest.age += 1;
      guest.still += 1;
      if (guest.age > guest.patience) request[leave]?.(new BodyRefusal(408, 'SI_SLOW_BODY'));
    }
  };

  /** The guest that has stood still for longest, if any has for too long. */
  const idler = (): readonly [Guested, Guest] | undefined => {
    let found: readonly [Guested, Guest] | undefined;
    for (const entry of guests) {
      const [, guest] = entry;
      if (beyondOwn(guest.bytes) > 0 && guest.still > (found?.[1].still ?? roundsOf(limits.stillMs))) found = entry;
    }
    return found;
  };

  /** Whether the guest's bytes fit, after others that stand still have left. Its own and a single one's always do. */
  const makeRoom = (guest: Guest): boolean => {
    const wanted = beyondOwn(guest.bytes);
    while (wanted > 0 && sharedBytes > limits.bufferedBytes && sharedBytes > wanted) {
      const [request, victim] = idler() ?? [];
      if (request === undefined || victim === undefined || victim === guest) return false;
      request[leave]?.(new BodyRefusal(503, 'SI_BUFFERED'));
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
      };
      guests.set(request, guest);
      sweep ??= setTimeout(round, roundMs).unref();
      // The answer is out or will never be: Fastify's own hooks miss connections that break behind a complete body.
      closed.once('close', () => {
        if (guest.patience < Infinity) (request as Guested)[leave]?.(new BodyRefusal(400, 'SI_BROKEN_BODY'));
        resize(guest, 0);
        guests.delete(request);
      });
    },
    receive(request: Guested, payload, done) {
      const guest = guests.get(request);
      if (guest === undefined) return done(new BodyRefusal(400, 'SI_BROKEN_BODY'));
      const chunks: Buffer[] = [];
      const refuse: Leave = (refusal) => {
        if (guest.patience === Infinity) return;
        guest.patience = Infinity;
        resize(guest, 0);
        chunks.length = 0;
        payload.removeListener('data', take);
        // What an overloaded server passes by is read on, so that the connection lasts for the next try.
        if (refusal.statusCode === 503) payload.resume();
        else payload.pause();
        done(refusal);
      };
      request[leave] = refuse;
      const take = (chunk: Buffer): void => {
        const bytes = guest.bytes + chunk.length;
        if (bytes > limits.bodyBytes) return refuse(new BodyRefusal(413, 'SI_BODY_TOO_LARGE'));
        resize(guest, bytes);
        if (bytes >= guest.goal) {
          guest.goal = bytes + stepBytes;
          guest.still = 0;
        }
        if (!makeRoom(guest)) return refuse(new BodyRefusal(503, 'SI_BUFFERED'));
        chunks.push(chunk);
      };
      // An error costs its stack, so none is made for the usual end.
      const broken = (): void => {
        if (guest.patience < Infinity) refuse(new BodyRefusal(400, 'SI_BROKEN_BODY'));
      };
      if ((declaredBytes(request) ?? 0) > limits.bodyBytes) {
        return refuse(new BodyRefusal(413, 'SI_BODY_TOO_LARGE'));
      }
      payload.on('data', take);
      payload.once('end', () => {
        if (guest.patience === Infinity) return;
        guest.patience = Infinity;
        request[leave] = undefined;
        // A copy in any case: a chunk is a view of what the socket has read, and the body is changed in place later.
        const body = Buffer.concat(chunks, guest.bytes);
        // The connection keeps its last request until the next one, and with it whatever these functions refer to.
        chunks.length = 0;
        payload.removeListener('data', take).removeListener('error', broken).removeListener('close', broken);
        done(null, body);
      });
      payload.once('error', broken);
      payload.once('close', broken);
    },
    answer(request: Guested, bytes) {
      const guest = guests.get(request);
      if (guest === undefined) return;
      guest.still = 0;
      request[leave] = () => request.socket.destroy();
      resize(guest, bytes);
    },
  };
}
