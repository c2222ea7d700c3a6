import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Server } from 'node:http';
import { createMetricsServer } from '../../../src/server/metrics-server.ts';
import { createMetrics, type Metrics } from '../../../src/telemetry/metrics.ts';
import { askMetrics } from '../../support/http/metrics-client.ts';

let server: Server;
let metrics: Metrics;
const start = async (served: Metrics): Promise<number> => {
  server = createMetricsServer(served);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

beforeEach(() => {
  metrics = createMetrics('1.2.3');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test('shows what was counted', async () => {
  metrics.reviews.inc({ outcome: 'inject', reason: 'OptedIn' }, 3);
  const { status, text } = await askMetrics(await start(metrics), '/metrics');
  expect(status).toBe(200);
  expect(text).toContain('sidecar_injector_admission_reviews_total{outcome="inject",reason="OptedIn"} 3\n');
  expect(text).toContain('sidecar_injector_build_info{version="1.2.3"} 1\n');
});

test('says when they cannot be collected, and nothing of why', async () => {
  const broken = { ...metrics, expose: () => Promise.reject(new Error('hunter2')) };
  const { status, text } = await askMetrics(await start(broken), '/metrics');
  expect([status, text]).toEqual([500, 'The metrics could not be collected.\n']);
});

test('two processes in one have counters of their own', async () => {
  createMetrics('other').reviews.inc({ outcome: 'inject', reason: 'OptedIn' });
  const { text } = await askMetrics(await start(metrics), '/metrics');
  expect(text).toContain('sidecar_injector_admission_reviews_total{outcome="inject",reason="OptedIn"} 0\n');
});
