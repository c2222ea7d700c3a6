import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { quote } from '../../../grammar/problem.ts';
import { exitCodes, report, usageFailure, type Failure, type Io } from '../../io.ts';
import { untilSignal } from '../../signals.ts';
import type { PlaygroundOptions } from './options.ts';
import { createPageServer } from './page-server.ts';

/** Only programs of this machine reach the page. */
const host = '127.0.0.1';

/** Where the page can be: above the parts of the bundled program, and in a checkout after `make build`. */
const places = ['../playground.html', '../../../../dist/playground.html'].map(
  (place) => new URL(place, import.meta.url),
);

async function readPage(): Promise<string | Failure> {
  for (const place of places) {
    try {
      return await readFile(place, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  const remedy = 'run `make build` in the checkout, or `make playground`, which builds and serves it';
  return { problems: ['the page has not been built'], remedy, code: exitCodes.failed };
}

function fileFailure(what: string, error: unknown, remedy: string): Failure {
  const why = error instanceof Error ? error.message : String(error);
  return { problems: [`${what}: ${why}`], remedy, code: exitCodes.failed };
}

async function writePage(page: string, output: string, io: Io): Promise<number> {
  if (output === '-') {
    io.stdout(page);
    return exitCodes.fine;
  }
  try {
    await writeFile(output, page);
  } catch (error) {
    return report(fileFailure(`cannot write ${quote(output)}`, error, 'name another file with -o'), io);
  }
  return exitCodes.fine;
}

async function servePage(page: string, port: number, io: Io): Promise<number> {
  const stopped = untilSignal();
  const server = createPageServer(page);
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    return report(
      fileFailure(`cannot serve the page on ${host}:${port}`, error, 'choose another port with --port'),
      io,
    );
  }
  const { port: present } = server.address() as AddressInfo;
  io.stdout(`http://${host}:${present}/ until Ctrl+C; only this machine reaches it\n`);
  await stopped;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
  return exitCodes.fine;
}

/** Runs `playground` and returns the exit code. */
export async function runPlayground({ port, output }: PlaygroundOptions, io: Io): Promise<number> {
  const number = /^\d{1,5}$/.test(port) ? Number(port) : Number.NaN;
  if (!(number <= 65_535)) {
    return report(usageFailure(`--port: ${quote(port)} is not a port`, 'give 0 to 65535'), io);
  }
  const page = await readPage();
  if (typeof page !== 'string') return report(page, io);
  return output === undefined ? servePage(page, number, io) : writePage(page, output, io);
}
