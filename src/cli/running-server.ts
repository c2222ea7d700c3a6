import type { LogLevel } from '../telemetry/level.ts';
import type { Log } from '../telemetry/log.ts';
import { exitCodes, report, type Io } from './io.ts';
import { untilSignal } from './signals.ts';

/** What a command has started. */
interface Running {
  /** Resolves when everything is closed. */
  stop(): Promise<void>;
}

/**
 * Starts a server, stops it at the first SIGTERM or SIGINT, and returns the exit code. If it cannot start, it says why.
 *
 * @param start starts it, and throws a `StartError` if it cannot; gets the log, and what resolves at the signal
 */
export async function runUntilSignal(
  level: LogLevel,
  io: Io,
  start: (log: Log, stopped: Promise<string>) => Promise<Running>,
): Promise<number> {
  const stopped = untilSignal();
  const { StartError } = await import('../runtime/start.ts');
  const { createLog, gatherLines } = await import('../telemetry/log.ts');
  const lines = gatherLines((text) => io.stdout(text));
  process.once('exit', () => lines.flush());
  try {
    const running = await start(createLog(level, lines), stopped);
    await stopped;
    await running.stop();
    return exitCodes.fine;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    lines.flush();
    return report({ problems: error.problems, remedy: 'correct it and start again', code: exitCodes.failed }, io);
  }
}
