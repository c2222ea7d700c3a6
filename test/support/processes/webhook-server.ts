import { createInjector, type Injector } from '../../../src/injection/injector.ts';
import type { AddressInfo } from 'node:net';
import { createAuthority, issueLeaf, localNames, type KeyedCertificate } from '../../../src/certs/authority.ts';
import type { Snapshot } from '../../../src/injection/snapshot.ts';
import { defaultLimits, type Limits } from '../../../src/server/limits.ts';
import type { HealthCheck } from '../../../src/server/health.ts';
import { injectionPage } from '../../../src/server/injection-page.ts';
import { createServer, type WebhookServer } from '../../../src/server/server.ts';
import { createLog } from '../../../src/telemetry/log.ts';
import { createMetrics, type Metrics } from '../../../src/telemetry/metrics.ts';
import { version } from '../../../src/settings/version.ts';
import type { Target } from '../http/https-client.ts';
import { snapshotOf } from '../builders/snapshots.ts';

const hourMs = 3_600_000;

export interface WebhookOptions {
  /** Bounds that differ from the shipped ones. */
  readonly limits?: Partial<Limits>;
  readonly snapshot?: Snapshot;
  /** In place of one of the snapshot, for what no snapshot brings about. */
  readonly injector?: Injector;
  readonly checks?: () => readonly HealthCheck[];
  readonly nowMs?: () => number;
}

/** The HTTPS server in this process, behind real TLS on a port of 127.0.0.1. */
export interface Webhook extends Target {
  readonly server: WebhookServer;
  readonly metrics: Metrics;
  /** Everything that was logged, at the most talkative level. */
  log(): string;
  /** A further certificate of the same CA. */
  issue(): Promise<KeyedCertificate>;
  /** Value of one sample of the metrics, such as `sidecar_injector_ready`; undefined when there is none. */
  sample(name: string): Promise<number | undefined>;
  /** Connections that the server holds open. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

/** Starts the server with a certificate of its own for localhost. */
export async function startWebhook(options: WebhookOptions = {}): Promise<Webhook> {
  const { limits = {}, snapshot = snapshotOf(), checks = () => [], nowMs = () => performance.now() } = options;
  const authority = await createAuthority({ now: new Date(), lifetimeMs: hourMs });
  const issue = () => issueLeaf({ authority, names: localNames, now: new Date(), lifetimeMs: hourMs });
  const lines: string[] = [];
  const metrics = createMetrics(version);
  const { injector = createInjector(snapshot) } = options;
  const log = createLog('trace', { write: (line) => void lines.push(line) });
  const server = createServer({
    keyPair: await issue(),
    page: injectionPage({ injector: () => injector, log, metrics, nowMs }),
    checks,
    log,
    metrics,
    nowMs,
    limits: { ...defaultLimits, ...limits },
  });
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  const { server: listener } = server.app;
  return {
    port: (listener.address() as AddressInfo).port,
    ca: authority.certificate,
    server,
    metrics,
    issue,
    log: () => lines.join(''),
    sample: async (name) => readSample((await metrics.expose()).text, name),
    connections: () =>
      new Promise((resolve, reject) => {
        listener.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
    async close() {
      listener.closeAllConnections();
      await server.app.close();
    },
  };
}

/** Value of one sample in a text exposition; the name as it is written there, labels included. */
export function readSample(exposition: string, name: string): number | undefined {
  const line = exposition.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}
