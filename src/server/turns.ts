import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';

/** Lets few large bodies be received at a time; the others wait in line. */
export interface Turns {
  /** The request's body has become large. It is paused until it is its turn. */
  enter(request: IncomingMessage, payload: Readable): void;
  /** The body is complete, or will not be read any further. */
  leave(request: IncomingMessage): void;
  isWaiting(request: IncomingMessage): boolean;
  /** To be called at a fixed interval. Nobody waits for ever for clients that send little. */
  round(): void;
}

/** Rounds after which a body is received whatever the others do. */
const mostRounds = 10;

/**
 * Without turns, everything that arrived at once would be decrypted, parsed and decided in one iteration of the event
 * loop, and all other clients would wait for its end.
 *
 * @param most bodies at a time; each round lets in one more
 */
export function createTurns(most: number): Turns {
  const receiving = new Set<IncomingMessage>();
  /** In the order of their arrival, with the rounds that each has waited. */
  const waiting = new Map<IncomingMessage, { readonly payload: Readable; rounds: number }>();
  const admit = (request: IncomingMessage, payload: Readable): void => {
    waiting.delete(request);
    receiving.add(request);
    payload.resume();
  };
  const admitNext = (): void => {
    const [next] = waiting;
    if (next !== undefined) admit(next[0], next[1].payload);
  };
  return {
    enter(request, payload) {
      if (receiving.size < most) {
        receiving.add(request);
      } else {
        waiting.set(request, { payload, rounds: 0 });
        payload.pause();
      }
    },
    leave(request) {
      waiting.delete(request);
      if (receiving.delete(request) && receiving.size < most) admitNext();
    },
    isWaiting: (request) => waiting.has(request),
    round() {
      admitNext();
      for (const [request, waiter] of waiting) {
        waiter.rounds += 1;
        if (waiter.rounds > mostRounds) admit(request, waiter.payload);
      }
    },
  };
}
