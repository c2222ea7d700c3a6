import { exitCodes } from './io.ts';

/** Resolves with the name of the first signal. A second signal ends the process immediately. */
export async function untilSignal(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let asked = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(exitCodes.failed);
      asked = true;
      resolve(signal);
    });
  }
  return promise;
}
