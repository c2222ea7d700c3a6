import { createServer, type Server } from 'node:http';
import { boundConnections } from './connections.ts';

export interface PlainPage {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** Pages by path. They get the query, and learn when nobody waits for the answer any more. */
export type PlainPages = ReadonlyMap<
  string,
  (query: URLSearchParams, closed: AbortSignal) => PlainPage | Promise<PlainPage>
>;

/** Maximum number of connections. Prometheus and the kubelet need few; connections that stay idle are closed first. */
const connections = 64;

/** A page of one sentence. */
export function plainText(status: number, sentence: string): PlainPage {
  return { status, contentType: 'text/plain; charset=utf-8', text: `${sentence}\n` };
}

async function answer(
  pages: PlainPages,
  method: string | undefined,
  url: string,
  closed: AbortSignal,
): Promise<PlainPage> {
  const [path = '', query = ''] = url.split('?', 2);
  const page = pages.get(path);
  if (page === undefined) return plainText(404, `There is nothing here but ${[...pages.keys()].join(', ')}.`);
  if (method !== 'GET' && method !== 'HEAD') return plainText(405, 'Only GET is allowed here.');
  return page(new URLSearchParams(query), closed);
}

/**
 * Creates a plain HTTP server for a few pages. It has a port of its own, so that load on the review port does not
 * affect it and a NetworkPolicy can distinguish the two. A page that throws is answered with status 500 and `failure`.
 */
export function createPlainServer(pages: PlainPages, failure: string): Server {
  const server = createServer((request, response) => {
    const closing = new AbortController();
    response.once('close', () => closing.abort());
    void answer(pages, request.method, request.url ?? '', closing.signal)
      .catch(() => plainText(500, failure))
      .then(({ status, contentType, text }) => {
        if (status === 405) response.setHeader('allow', 'GET, HEAD');
        response.writeHead(status, { 'content-type': contentType }).end(text);
      });
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  boundConnections(server, connections, () => undefined);
  return server;
}
