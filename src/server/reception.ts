import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Metrics } from '../telemetry/metrics.ts';
import { readTimeoutMs, usefulShare } from './deadline.ts';
import type { Limits } from './limits.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** When the request line arrived, milliseconds of a monotonic clock. */
    receivedMs: number;
  }
}

function declaredBytes(request: FastifyRequest, limits: Limits): number {
  const length = Number(request.headers['content-length']);
  return Number.isSafeInteger(length) && length >= 0 ? Math.min(length, limits.bodyBytes) : limits.bodyBytes;
}

/** Refuses work that cannot be done in time, before it costs memory. The API server retries a 503 with Retry-After. */
export function shed(reply: FastifyReply, metrics: Metrics, why: 'buffered' | 'late'): FastifyReply {
  metrics.shed.inc({ reason: why });
  return reply.code(503).header('retry-after', '1').type('text/plain; charset=utf-8').send('Overloaded, try again.\n');
}

/** Whether the caller has given up, or will have before the answer is out. */
export function isLate(request: FastifyRequest, nowMs: number): boolean {
  const timeoutMs = readTimeoutMs((request.query as Record<string, unknown>)['timeout']);
  return timeoutMs !== undefined && nowMs - request.receivedMs > timeoutMs * usefulShare;
}

/** Counts bodies in flight and refuses what exceeds the bound. For the routes that take a body. */
export function installReception(app: FastifyInstance, limits: Limits, metrics: Metrics, nowMs: () => number): void {
  const reception = { inFlight: 0, bufferedBytes: 0 };
  metrics.showReception(() => reception);
  app.decorateRequest('receivedMs', 0);
  app.addHook('onRequest', (request, reply, done) => {
    request.receivedMs = nowMs();
    if (request.method !== 'POST') return done();
    const bytes = declaredBytes(request, limits);
    // A single request is always taken, however small the bound.
    if (reception.bufferedBytes > 0 && reception.bufferedBytes + bytes > limits.bufferedBytes) {
      shed(reply, metrics, 'buffered');
      return undefined;
    }
    reception.inFlight += 1;
    reception.bufferedBytes += bytes;
    // The answer is out or will never be: Fastify's own hooks miss connections that break behind a complete body.
    reply.raw.once('close', () => {
      reception.inFlight -= 1;
      reception.bufferedBytes -= bytes;
    });
    return done();
  });
}
