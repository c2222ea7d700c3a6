import { calmGuard, guardEvents, releaseHeld, type GuardedEvents, type LossGuard } from '../world/sudden-loss.ts';
import type { World, WorldEvent } from '../world/world.ts';

/** What stands between the API server and the world that proxies are shown. */
export interface HeldRemovals {
  /** Takes events, and gives on what is not held back. */
  take(events: readonly WorldEvent[]): void;
  /** Objects whose removal is held back. */
  count(): number;
  stop(): void;
}

/** Creates it with nothing held back. */
export function createHeldRemovals(options: {
  readonly world: () => World;
  readonly give: (events: readonly WorldEvent[]) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly nowMs: () => number;
  /** Calls the function after a time, and returns a function that prevents it. */
  readonly after: (milliseconds: number, action: () => void) => () => void;
  /** Most endpoints of these Services are gone at once. */
  readonly lost: (services: readonly string[]) => void;
  /** The loss is over: so many removals are given on now, which is none if everything has come back. */
  readonly settled: (removals: number) => void;
}): HeldRemovals {
  let guard: LossGuard = calmGuard;
  let cancel = (): void => undefined;

  function advance({ guard: next, events, loss }: GuardedEvents): void {
    guard = next;
    if (events.length > 0) options.give(events);
    if (loss !== undefined) options.lost(loss);
  }

  function wait(): void {
    cancel();
    if (guard.hold !== undefined) cancel = options.after(Math.max(1, guard.hold.untilMs - options.nowMs()), release);
  }

  function release(): void {
    const { hold, held } = guard;
    advance(releaseHeld(guard, options.nowMs()));
    if (guard.hold === undefined && hold?.isLoss === true) options.settled(held.size);
    // Timers may be a little early.
    wait();
  }

  return {
    take(events) {
      const { hold } = guard;
      advance(guardEvents(guard, options.world(), events, options.nowMs()));
      if (guard.hold?.untilMs === hold?.untilMs) return;
      if (guard.hold === undefined && hold?.isLoss === true) options.settled(0);
      wait();
    },
    count: () => guard.held.size,
    stop: () => cancel(),
  };
}
