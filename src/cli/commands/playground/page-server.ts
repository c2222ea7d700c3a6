import { createServer, type Server } from 'node:http';

const notFound = 'There is nothing here but /.\n';

/** Headers of the page: its own policy, and what only a header can say. */
function headersOf(page: string): Readonly<Record<string, string>> {
  const policy = /<meta http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page)?.[1];
  if (policy === undefined) throw new Error('the page has no policy');
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `${policy}; frame-ancestors 'none'`,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
  };
}

/** Creates the server of one page. */
export function createPageServer(page: string): Server {
  const headers = headersOf(page);
  const body = Buffer.from(page);
  const server = createServer(({ method, url = '' }, response) => {
    const [path] = url.split('?', 1);
    if (method !== 'GET' && method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD', 'content-type': 'text/plain' }).end('Only GET is allowed here.\n');
    } else if (path === '/') {
      response.writeHead(200, { ...headers, 'content-length': body.length }).end(method === 'HEAD' ? '' : body);
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end(notFound);
    }
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  server.maxConnections = 64;
  return server;
}
