import type { Server } from 'node:http';
import type { Metrics } from '../telemetry/metrics.ts';
import { createPlainServer } from './plain-server.ts';

/** Plain HTTP server of `GET /metrics`. */
export function createMetricsServer(metrics: Pick<Metrics, 'expose'>): Server {
  const show = async () => {
    const { contentType, text } = await metrics.expose();
    return { status: 200, contentType, text };
  };
  return createPlainServer(new Map([['/metrics', show]]), 'The metrics could not be collected.');
}
