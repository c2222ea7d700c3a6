import { once } from 'node:events';
import { createServer, type Server } from 'node:tls';
import type { CertificateEvent, CertificateEventCode } from '../../../src/certs/events.ts';
import type { BundlePublisher, CaStore } from '../../../src/certs/stores.ts';
import type { ServingCertificate } from '../../../src/certs/source.ts';

/** What an API server would hold, in memory: one Secret and the bundles of our entries. */
export interface FakeCluster {
  readonly store: CaStore;
  readonly publisher: BundlePublisher;
  /** Undefined while the Secret is deleted. */
  secret: { data: ReadonlyMap<string, string>; version: number } | undefined;
  /** Undefined while the webhook configuration is deleted. */
  bundles: Map<string, string | undefined> | undefined;
  isDown: boolean;
  serverTime: (() => Date) | undefined;
  fills: ('written' | 'conflict' | 'missing')[];
  published: string[];
  /** Resolves after so many whole rounds of the one replica that runs. */
  rounds(count: number): Promise<void>;
}

export function createFakeCluster(): FakeCluster {
  let versions = 0;
  let reads = 0;
  const readers: { at: number; resolve: () => void }[] = [];
  const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const cluster: FakeCluster = {
    secret: { data: new Map(), version: 0 },
    bundles: new Map([['pods.sidecar-injector.io', undefined]]),
    isDown: false,
    serverTime: undefined,
    fills: [],
    published: [],
    async rounds(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // The next reading may belong to a round that has begun.
      readers.push({ at: reads + count + 2, resolve });
      return promise;
    },
    store: {
      async read() {
        reads += 1;
        for (const reader of readers.filter(({ at }) => at === reads)) reader.resolve();
        await pause();
        if (cluster.isDown) throw new Error('connect ECONNREFUSED');
        if (cluster.secret === undefined) return undefined;
        return {
          data: cluster.secret.data,
          resourceVersion: String(cluster.secret.version),
          ...(cluster.serverTime && { serverTime: cluster.serverTime() }),
        };
      },
      async fill(data, resourceVersion) {
        await pause();
        if (cluster.isDown) throw new Error('connect ECONNREFUSED');
        const outcome =
          cluster.secret === undefined
            ? 'missing'
            : String(cluster.secret.version) === resourceVersion
              ? 'written'
              : 'conflict';
        if (outcome === 'written') {
          versions += 1;
          cluster.secret = { data, version: versions };
        }
        cluster.fills.push(outcome);
        return outcome;
      },
    },
    publisher: {
      async read() {
        await pause();
        if (cluster.isDown) throw new Error('connect ECONNREFUSED');
        return cluster.bundles && [...cluster.bundles].map(([entry, bundle]) => ({ entry, bundle }));
      },
      async publish(bundlePem) {
        await pause();
        if (cluster.isDown) throw new Error('connect ECONNREFUSED');
        if (cluster.bundles === undefined) return 'missing';
        for (const entry of cluster.bundles.keys()) cluster.bundles.set(entry, bundlePem);
        cluster.published.push(bundlePem);
        return 'written';
      },
    },
  };
  return cluster;
}

/** Keeps events, and resolves when one comes. */
export interface EventLog {
  readonly events: readonly CertificateEvent[];
  readonly onEvent: (event: CertificateEvent) => void;
  /** The next event with the code; `from` counts from an index of `events`, `detail` is a part of its sentence. */
  next(code: CertificateEventCode, from?: number, detail?: string): Promise<CertificateEvent>;
  codes(): readonly CertificateEventCode[];
}

export function createEventLog(): EventLog {
  const events: CertificateEvent[] = [];
  const waiting: { fits: (event: CertificateEvent) => boolean; resolve: (event: CertificateEvent) => void }[] = [];
  return {
    events,
    onEvent(event) {
      events.push(event);
      for (const waiter of waiting.filter(({ fits }) => fits(event))) {
        waiting.splice(waiting.indexOf(waiter), 1);
        waiter.resolve(event);
      }
    },
    async next(code, from = events.length, detail = '') {
      const fits = (event: CertificateEvent): boolean => event.code === code && event.detail.includes(detail);
      const seen = events.slice(from).find(fits);
      if (seen !== undefined) return seen;
      const { promise, resolve } = Promise.withResolvers<CertificateEvent>();
      waiting.push({ fits, resolve });
      return promise;
    },
    codes: () => events.map(({ code }) => code),
  };
}

/** A real TLS server on a free port of the loopback interface. */
export async function listenTls(
  pair: Pick<ServingCertificate, 'certificate' | 'privateKey'>,
): Promise<{ readonly server: Server; readonly port: number; close(): Promise<void> }> {
  const server = createServer({ cert: pair.certificate, key: pair.privateKey }, (socket) => {
    socket.on('error', () => {});
    socket.end();
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    server,
    port,
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}
