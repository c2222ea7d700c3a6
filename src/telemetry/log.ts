import pino from 'pino';
import type { LogLevel } from './level.ts';

export type Log = pino.Logger;

/**
 * One JSON object a line. Messages are constant, particulars are fields; a pod, an env value, a token or a key is never
 * one of them. Written synchronously: no transport, no worker, nothing lost at exit.
 */
export function createLog(level: LogLevel, destination: { write(line: string): void }): Log {
  return pino(
    {
      level,
      base: { service: 'sidecar-injector' },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
}
