import type { Server } from 'node:http';
import type { WebhookServer } from '../server/server.ts';
import type { Log } from '../telemetry/log.ts';
import type { Address } from './address.ts';

/** The server could not start; each problem is a sentence for people. */
export class StartError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('; '), options);
    this.name = 'StartError';
    this.problems = problems;
  }
}

const listenProblems: ReadonlyMap<string | undefined, string> = new Map([
  ['EADDRINUSE', 'the address is in use'],
  ['EADDRNOTAVAIL', 'this machine has no such address'],
  ['EACCES', 'the port needs more rights'],
]);

/** Starts listening. Throws a `StartError` that names the flag. */
export async function listen(
  server: Pick<Server, 'listen' | 'once' | 'off' | 'on'>,
  flag: string,
  { host, port }: Address,
  log: Log,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
  try {
    await promise;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError([`${flag}: cannot listen: ${listenProblems.get(code) ?? code}`], { cause: error });
  }
  server.off('error', reject);
  // For example, no file descriptors are left. Later connections can succeed, so this must not end the process.
  server.on('error', (error: NodeJS.ErrnoException) => log.warn({ code: error.code }, 'a connection was not accepted'));
}

/** Functions that stop what was started; they run in reverse order. */
export type Cleanups = (() => void | Promise<void>)[];

/** Stops it. */
export async function runCleanups(cleanups: Cleanups): Promise<void> {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
}

/** Starts something, or else stops what was already started and rethrows; anything else than a `StartError` becomes one. */
export async function startOrCleanUp<T>(start: (cleanups: Cleanups) => Promise<T>): Promise<T> {
  const cleanups: Cleanups = [];
  try {
    return await start(cleanups);
  } catch (error) {
    await runCleanups(cleanups);
    if (error instanceof StartError) throw error;
    throw new StartError([error instanceof Error ? error.message : String(error)], { cause: error });
  }
}

/** Closes a server with plain pages at once. */
export async function closePlain(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  await promise;
}

/** Requests that are unfinished after this time are not waited for: their clients have stopped sending. */
const lastCallMs = 3_000;

/** Closes a webhook's server after the answers that are under way. */
export async function closeWebhook({ app }: WebhookServer): Promise<void> {
  // Node does not time out slow clients while a server is closing, so one of them could keep the process alive forever.
  const cut = setTimeout(() => app.server.closeAllConnections(), lastCallMs);
  await app.close();
  clearTimeout(cut);
}
