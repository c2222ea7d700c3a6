import { setTimeout as pause } from 'node:timers/promises';

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
