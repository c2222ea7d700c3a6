import { setTimeout as sleep } from 'node:timers/promises';

/** What became of a load: how often each outcome was met. */
export type Outcomes = Readonly<Record<string, number>>;

/** Counts a promise's value as its outcome, or the error's words. */
async function outcomeOf(asked: Promise<string>): Promise<string> {
  return asked.catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
}

/**
 * Asks at a constant rate, whatever becomes of what was asked before, until `isOver`; resolves when all is answered. Waits
 * while 500 are unanswered, and after a standstill makes up for a second at most, so that a machine that is too slow for the
 * rate gets what it can do.
 *
 * @param ask answers the outcome's name; a rejection counts under its message
 */
export async function askSteadily(
  perSecond: number,
  ask: (index: number) => Promise<string>,
  isOver: () => boolean,
): Promise<Outcomes> {
  const outcomes: Record<string, number> = {};
  const pending = new Set<Promise<void>>();
  let begunMs = performance.now();
  for (let index = 0, sent = 0; !isOver(); index++, sent++) {
    const waitMs = begunMs + (sent * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    if (waitMs < -1_000) [begunMs, sent] = [performance.now(), 0];
    while (pending.size >= 500) await Promise.race(pending);
    const one = outcomeOf(ask(index)).then((outcome) => {
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      pending.delete(one);
    });
    pending.add(one);
  }
  await Promise.all(pending);
  return outcomes;
}
