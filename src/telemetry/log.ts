import pino from 'pino';
import { visibleLines } from '../grammar/visible.ts';
import type { LogLevel } from './level.ts';

export type Log = pino.Logger;

/**
 * Creates a log that writes one JSON object per line. Messages are constant and details are fields, which never contain
 * a pod, the value of an environment variable, a token or a key. Invisible characters are escaped, for readers on a
 * terminal. Writes are synchronous, without a transport or a worker.
 */
export function createLog(level: LogLevel, destination: { write(line: string): void }): Log {
  return pino(
    {
      level,
      base: { service: 'sidecar-injector' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => destination.write(visibleLines(line)) },
  );
}

/** How long a line waits for others, in milliseconds. */
const gatherMs = 10;

/** Number of characters above which lines are written without waiting. */
const gatherLength = 32_768;

/**
 * Combines the lines of a few milliseconds into one write, because a write costs more than formatting a line. `write`
 * must be synchronous, and `flush` must be called before the process ends. A killed process loses at most these few
 * milliseconds.
 */
export function gatherLines(write: (text: string) => void): { write(line: string): void; flush(): void } {
  let pending = '';
  const flush = (): void => {
    const text = pending;
    pending = '';
    if (text !== '') write(text);
  };
  return {
    write(line) {
      if (pending === '') setTimeout(flush, gatherMs);
      pending += line;
      if (pending.length > gatherLength) flush();
    },
    flush,
  };
}
