import type { Server } from 'node:http';
import { createPlainServer } from './plain-server.ts';

/** A condition that readiness depends on. */
export interface HealthCheck {
  readonly name: string;
  readonly ready: boolean;
  /** One sentence. */
  readonly reason: string;
}

/** Response to a probe of the kubelet. */
export interface HealthAnswer {
  readonly status: number;
  readonly body: string;
}

/** Writes the format of Kubernetes' own `/readyz?verbose`: one line per check, then the result. */
export function writeHealth(checks: readonly HealthCheck[], verbose: boolean): HealthAnswer {
  const ready = checks.every((check) => check.ready);
  const status = ready ? 200 : 503;
  const verdict = ready ? 'ok' : 'not ready';
  if (!verbose && ready) return { status, body: 'ok\n' };
  const lines = checks.map((check) => `[${check.ready ? '+' : '-'}] ${check.name}: ${check.reason}`);
  return { status, body: `${[...lines, verdict].join('\n')}\n` };
}

/** The pages for the kubelet's probes, by path. */
export function healthPages(
  checks: () => readonly HealthCheck[],
): ReadonlyMap<string, (query: URLSearchParams) => HealthAnswer> {
  return new Map([
    ['/livez', () => ({ status: 200, body: 'ok\n' })],
    ['/readyz', (query: URLSearchParams) => writeHealth(checks(), query.has('verbose'))],
  ]);
}

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
