import { setTimeout as sleep } from 'node:timers/promises';
import type { WatchPace } from '../kubernetes/watcher.ts';

/** The system's clock, for watches. */
export const pace: WatchPace = {
  random: Math.random,
  async sleep(milliseconds, signal) {
    try {
      await sleep(milliseconds, undefined, { signal });
    } catch {
      // It was stopped.
    }
  },
};

/** Does something again and again. It does not keep the process alive. Returns a function that ends it. */
export function every(milliseconds: number, action: () => void): () => void {
  const timer = setInterval(action, milliseconds).unref();
  return () => clearInterval(timer);
}
