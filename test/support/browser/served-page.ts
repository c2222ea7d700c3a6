import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createPageServer } from '../../../src/cli/commands/playground/page-server.ts';

/** The page as the command serves it. */
export interface ServedPage {
  readonly url: string;
  stop(): Promise<void>;
}

/** Serves a page on a free port of loopback. */
export async function servePage(page: string): Promise<ServedPage> {
  const server = createPageServer(page);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
