import { createServer, type Server } from 'node:http';
import type { Metrics } from '../telemetry/metrics.ts';

/** Plain HTTP server of `GET /metrics`; apart from the webhook's port, so that a NetworkPolicy can tell them apart. */
export function createMetricsServer(metrics: Metrics): Server {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    const refuse = (status: number, sentence: string): void => {
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${sentence}\n`);
    };
    if (path !== '/metrics') return refuse(404, 'There is nothing here but /metrics.');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return refuse(405, 'Only GET is allowed here.');
    }
    metrics.expose().then(
      ({ contentType, text }) => response.writeHead(200, { 'content-type': contentType }).end(text),
      () => refuse(500, 'The metrics could not be collected.'),
    );
  });
  server.requestTimeout = 10_000;
  server.headersTimeout = 5_000;
  server.maxConnections = 64;
  return server;
}
