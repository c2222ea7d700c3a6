import type { Server } from 'node:http';
import { healthPages, type HealthCheck } from './health.ts';
import { createPlainServer } from './plain-server.ts';

/** Plain HTTP server of `GET /livez` and `GET /readyz?verbose`, for the kubelet. */
export function createHealthServer(checks: () => readonly HealthCheck[]): Server {
  const pages = [...healthPages(checks)].map(([path, ask]) => {
    const page = (query: URLSearchParams) => {
      const { status, body } = ask(query);
      return { status, contentType: 'text/plain; charset=utf-8', text: body };
    };
    return [path, page] as const;
  });
  return createPlainServer(new Map(pages), 'The checks failed.');
}
