import { createAllowance, type Pace } from '../audit/allowance.ts';
import { ownerKey } from '../audit/pod-record.ts';
import type { OwnerNotice } from './owner-events.ts';

/** Limits of a queue of Events. */
export interface EventQueueLimits extends Pace {
  /** Notices that wait, at most; what comes then is dropped and counted. */
  readonly waiting: number;
  /** How long nothing is sent after a failure. */
  readonly failureMs: number;
  /** How long the same is not said again, and of how many notices that is remembered. */
  readonly repeatMs: number;
  readonly remembered: number;
}

export const defaultEventLimits: EventQueueLimits = {
  waiting: 256,
  burst: 25,
  everyMs: 1_000,
  failureMs: 10_000,
  repeatMs: 3_600_000,
  remembered: 4_096,
};

interface Options {
  readonly limits: EventQueueLimits;
  /** Creates an Event; never rejects. */
  readonly send: (notice: OwnerNotice) => Promise<'created' | 'failed'>;
  readonly onResult: (result: 'created' | 'failed' | 'dropped') => void;
  readonly nowMs: () => number;
  /** Calls back once; does not keep the process alive. Returns a function that cancels it. */
  readonly after: (milliseconds: number, action: () => void) => () => void;
}

/** Events that are created when there is time and room for them. */
export interface EventQueue {
  /** Takes a notice that was not taken lately. Returns at once. */
  add(notice: OwnerNotice): void;
  stop(): void;
}

/** Creates an empty queue. One Event is created at a time, and none while a caller of `add` waits. */
export function createEventQueue({ limits, send, onResult, nowMs, after }: Options): EventQueue {
  const waiting: OwnerNotice[] = [];
  /** When each was taken last, the oldest first. */
  const taken = new Map<string, number>();
  const allowance = createAllowance(limits);
  let isSending = false;
  let isStopped = false;
  let cancel: (() => void) | undefined;

  function remember(key: string): void {
    taken.delete(key);
    taken.set(key, nowMs());
    if (taken.size <= limits.remembered) return;
    const [oldest] = taken.keys();
    if (oldest !== undefined) taken.delete(oldest);
  }

  function wait(milliseconds: number): void {
    cancel ??= after(milliseconds, () => {
      cancel = undefined;
      void next();
    });
  }

  async function next(): Promise<void> {
    if (isSending || isStopped || waiting.length === 0) return;
    if (allowance.take(1, nowMs()) === 0) return wait(limits.everyMs);
    const notice = waiting.shift();
    if (notice === undefined) return;
    isSending = true;
    const result = await send(notice);
    isSending = false;
    onResult(result);
    wait(result === 'created' ? 0 : limits.failureMs);
  }

  return {
    add(notice) {
      if (isStopped) return;
      const key = `${ownerKey(notice.owner)} ${notice.identity}`;
      const last = taken.get(key);
      if (last !== undefined && nowMs() - last < limits.repeatMs) return;
      if (waiting.length >= limits.waiting) return onResult('dropped');
      remember(key);
      waiting.push(notice);
      if (!isSending) wait(0);
    },
    stop() {
      isStopped = true;
      cancel?.();
    },
  };
}
