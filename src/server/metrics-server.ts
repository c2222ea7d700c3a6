import type { Server } from 'node:http';
import type { Metrics } from '../telemetry/metrics.ts';
import { createPlainServer, type PlainPages } from './plain-server.ts';

/** Plain HTTP server of `GET /metrics` and of other pages, by path. */
export function createMetricsServer(metrics: Pick<Metrics, 'expose'>, others: PlainPages = new Map()): Server {
  const show = async () => {
    const { contentType, text } = await metrics.expose();
    return { status: 200, contentType, text };
  };
  return createPlainServer(new Map([['/metrics', show], ...others]), 'The metrics could not be collected.');
}
