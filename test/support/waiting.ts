import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks again and again until the answer is not `undefined`; for things that report no event. Throws after the limit,
 * with the words that say what was waited for.
 */
export async function until<T>(
  what: string | (() => string),
  ask: () => Promise<T | undefined> | T | undefined,
  limitMs = 40_000,
): Promise<T> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms in vain: ${typeof what === 'string' ? what : what()}`);
    await pause(25);
  }
}

/** Asks until the answer is the wanted one and returns the last answer, at the latest after `withinMs`. */
export async function eventually<T>(
  ask: () => Promise<T>,
  wanted: (answer: T) => boolean,
  withinMs = 10_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (wanted(answer) || Date.now() > end) return answer;
    await pause(50);
  }
}
