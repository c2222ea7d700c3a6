import pino from 'pino';
import { visibleLines } from '../grammar/visible.ts';
import type { LogLevel } from './level.ts';

export type Log = pino.Logger;

/**
 * One JSON object a line. Messages are constant, particulars are fields; a pod, an env value, a token or a key is never
 * one of them. What is not seen is escaped, for whoever reads the log on a terminal. Written synchronously: no transport,
 * no worker.
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

/** A line waits so long for others, milliseconds. */
const gatherMs = 10;

/** Characters that are written without waiting. */
const gatherLength = 32_768;

/**
 * Lines of a few milliseconds as one write, because a write costs more than the making of a line. `write` must be
 * synchronous; whoever ends the process calls `flush`. What a killed process loses is shorter than what a lost node does.
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
