// rotating-replica.ts KUBECONFIG PORT   a replica whose CA is replaced every five seconds; everything else is as `serve` does it
import { serve } from '../../../src/runtime/serve.ts';
import { hourMs, minuteMs, secondMs } from '../../../src/certs/durations.ts';
import { createLog } from '../../../src/telemetry/log.ts';

const [kubeconfig, port] = process.argv.slice(2);
// Certificates are valid from a while before they were made: an authority is due a second after that, a leaf after 2.5. A round
// each quarter of a second takes the place of the shipped ten seconds.
const policy = {
  caLifetimeMs: hourMs,
  caRotateAt: (hourMs + secondMs) / (2 * hourMs),
  leafLifetimeMs: hourMs,
  leafRenewAt: (5 * minuteMs + 2.5 * secondMs) / (hourMs + 5 * minuteMs),
  leafRenewSpread: 0,
  overlapMs: 2 * secondMs,
  retireMs: 2 * secondMs,
};
const loopback = { host: '127.0.0.1', port: 0 };
const serving = await serve(
  {
    listen: { ...loopback, port: Number(port) },
    metricsListen: loopback,
    settings: undefined,
    sidecars: undefined,
    certificate: { kind: 'managed', pace: { policy, pollMs: secondMs / 4 } },
    kubeconfig,
    drainMs: 0,
  },
  createLog('info', process.stdout),
);
process.once('SIGTERM', () => void serving.stop());
