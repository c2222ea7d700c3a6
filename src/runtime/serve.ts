import type { AddressInfo } from 'node:net';
import type { CertificateEvent } from '../certs/events.ts';
import type { CertificateSource } from '../certs/source.ts';
import { connect, type ApiClient } from '../kubernetes/client.ts';
import { createMetricsServer } from '../server/metrics-server.ts';
import { profilePages } from '../server/profile-pages.ts';
import { createHealthServer, type HealthCheck } from '../server/health.ts';
import { injectionPage } from '../server/injection-page.ts';
import { createServer, type WebhookServer } from '../server/server.ts';
import type { KeyPair } from '../server/tls.ts';
import { version } from '../settings/version.ts';
import type { Log } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import type { Address } from './address.ts';
import { createCertificateSource, createPlaceholderPair, type CertificateChoice } from './certificate.ts';
import { watchServerVersion } from './cluster-facts.ts';
import { watchNamespaces, type NamespaceWatch } from './namespace-facts.ts';
import { pace } from './pace.ts';
import { describeFileProblem, type MeshRootsFile } from './configuration.ts';
import { closePlain, closeWebhook, listen, runCleanups, StartError, type Cleanups } from './start.ts';
import { startConfigurationReloader, type ConfigurationReloader } from './configuration-reloader.ts';
import { startWebhookEvents } from './webhook-events.ts';

export interface ServeOptions {
  readonly listen: Address;
  readonly metricsListen: Address;
  /** Whether profiles of this process can be had there. Default: they cannot. */
  readonly profiling?: boolean;
  /** Plain HTTP address for the kubelet's probes; undefined if only `listen` serves them. */
  readonly healthListen?: Address | undefined;
  readonly settings: string | undefined;
  readonly sidecars: readonly string[] | undefined;
  readonly meshRoots?: MeshRootsFile | undefined;
  readonly certificate: CertificateChoice;
  readonly kubeconfig: string | undefined;
  /** How long to keep serving after `stop` was called, so that endpoints are removed before the server closes. */
  readonly drainMs: number;
}

/** A running webhook. */
export interface Serving {
  readonly address: AddressInfo;
  readonly metricsAddress: AddressInfo;
  readonly healthAddress: AddressInfo | undefined;
  /** Reports not ready, keeps serving for `drainMs`, then closes. Resolves when everything is closed. */
  stop(): Promise<void>;
}

/** How long to wait for the first certificate before the server starts with a placeholder for the kubelet's probes. */
const patienceMs = 2_000;

function recordEvents(log: Log, metrics: Metrics): (event: CertificateEvent) => void {
  const bad = /-(?:missing|invalid|unreachable|failed|skewed)$/;
  return (event) => {
    metrics.certificateEvents.inc({ event: event.code });
    const level = bad.test(event.code) ? 'warn' : 'info';
    log[level]({ event: event.code, detail: event.detail, notAfter: event.notAfter }, 'certificates');
  };
}

interface FirstPair {
  readonly pair: KeyPair;
  readonly isPlaceholder: boolean;
}

async function firstPair(starting: Promise<KeyPair>): Promise<FirstPair> {
  const { promise: patience, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), patienceMs);
  try {
    const pair = await Promise.race([starting, patience]);
    if (pair !== undefined) return { pair, isPlaceholder: false };
    return { pair: await createPlaceholderPair(new Date()), isPlaceholder: true };
  } finally {
    clearTimeout(timer);
  }
}

async function openClient(options: ServeOptions): Promise<ApiClient | undefined> {
  if (options.certificate.kind !== 'managed' && options.kubeconfig === undefined) return undefined;
  try {
    return await connect(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig });
  } catch (error) {
    throw new StartError([error instanceof Error ? error.message : String(error)], { cause: error });
  }
}

interface Parts {
  readonly configuration: ConfigurationReloader;
  /** Undefined without an API server. */
  readonly namespaces: NamespaceWatch | undefined;
  readonly source: CertificateSource;
  readonly metrics: Metrics;
  readonly log: Log;
}

function checksOf(parts: Parts, state: { isDraining: boolean }): () => readonly HealthCheck[] {
  return () => {
    const certificate = parts.source.health();
    const checks = [
      parts.configuration.health(),
      ...(parts.namespaces === undefined ? [] : [parts.namespaces.health()]),
      { name: 'certificate', ready: certificate.ready, reason: certificate.reason },
      { name: 'shutdown', ready: !state.isDraining, reason: state.isDraining ? 'draining' : 'serving' },
    ];
    parts.metrics.ready.set(checks.every((check) => check.ready) ? 1 : 0);
    return checks;
  };
}

async function start(options: ServeOptions, log: Log, cleanups: Cleanups): Promise<Serving> {
  const metrics = createMetrics(version);
  metrics.observeProcess();
  const configuration = await startConfigurationReloader(
    { settings: options.settings, sidecars: options.sidecars, meshRoots: options.meshRoots },
    { log, metrics },
  );
  if ('problems' in configuration) throw new StartError(configuration.problems.map(describeFileProblem));
  cleanups.push(() => configuration.stop());
  const client = await openClient(options);
  cleanups.push(() => client?.close());
  const namespaces = client && watchNamespaces({ client, configuration, log, pace });
  cleanups.push(() => namespaces?.stop());
  const state = { isDraining: false };
  let server: WebhookServer | undefined;
  let notAfter: Date | undefined;
  const events =
    client === undefined
      ? undefined
      : startWebhookEvents({
          client,
          isEnabled: () => configuration.injector().snapshot.settings.events.enabled,
          refused: () => configuration.refused(),
          notAfter: () => notAfter,
          log,
          metrics,
        });
  cleanups.push(() => events?.stop());
  const record = recordEvents(log, metrics);
  const source = createCertificateSource(options.certificate, {
    client,
    onEvent(event) {
      record(event);
      events?.certificate(event);
    },
    port: () => (server?.app.server.address() as AddressInfo | null)?.port ?? options.listen.port,
  });
  const present = (pair: KeyPair & { readonly notAfter?: Date }): void => {
    server?.useKeyPair(pair);
    notAfter = pair.notAfter ?? notAfter;
    if (pair.notAfter !== undefined) metrics.certificateExpiry.set(pair.notAfter.getTime() / 1_000);
  };
  source.onChange(present);
  const starting = source.start();
  cleanups.push(() => source.stop());
  // Rejections are handled below; until then they must not count as unhandled.
  starting.catch(() => undefined);
  let first: FirstPair;
  try {
    first = await firstPair(starting);
  } catch (error) {
    throw new StartError([error instanceof Error ? error.message : String(error)], { cause: error });
  }
  const checks = checksOf({ configuration, namespaces, source, metrics, log }, state);
  const webhook = createServer({
    keyPair: first.pair,
    page: injectionPage({
      injector: () => configuration.injector(),
      log,
      metrics,
      nowMs: () => performance.now(),
      onReviewed: (reviewed) => events?.reviewed(reviewed),
    }),
    checks,
    replica: () => ({
      version,
      settingsHash: configuration.injector().snapshot.hash,
      refused: configuration.refused(),
    }),
    log,
    metrics,
    nowMs: () => performance.now(),
  });
  server = webhook;
  starting.then(present, (error: unknown) => log.error({ err: error }, 'no certificate'));
  const metricsServer = createMetricsServer(metrics, options.profiling === true ? profilePages() : undefined);
  await webhook.app.ready();
  await listen(webhook.app.server, '--listen', options.listen, log);
  cleanups.push(() => closeWebhook(webhook));
  await listen(metricsServer, '--metrics-listen', options.metricsListen, log);
  cleanups.push(() => closePlain(metricsServer));
  let healthAddress: AddressInfo | undefined;
  if (options.healthListen !== undefined) {
    const healthServer = createHealthServer(checks);
    await listen(healthServer, '--health-listen', options.healthListen, log);
    cleanups.push(() => closePlain(healthServer));
    healthAddress = healthServer.address() as AddressInfo;
    log.info({ address: healthAddress.address, port: healthAddress.port }, 'health listening');
  }
  try {
    await source.announce?.();
  } catch (error) {
    throw new StartError([error instanceof Error ? error.message : String(error)], { cause: error });
  }
  const facts = client === undefined ? undefined : watchServerVersion(client, configuration, log);
  cleanups.push(() => facts?.stop());
  const address = webhook.app.server.address() as AddressInfo;
  const metricsAddress = metricsServer.address() as AddressInfo;
  log.info({ address: address.address, port: address.port, isPlaceholder: first.isPlaceholder }, 'listening');
  log.info({ address: metricsAddress.address, port: metricsAddress.port }, 'metrics listening');
  return {
    address,
    metricsAddress,
    healthAddress,
    async stop() {
      state.isDraining = true;
      // Now rather than after the drain: responses that close their connection make callers move to another replica.
      webhook.drain();
      log.info({ drainMs: options.drainMs }, 'draining');
      await new Promise((resolve) => setTimeout(resolve, options.drainMs));
      await runCleanups(cleanups);
      log.info('stopped');
    },
  };
}

/**
 * Starts the webhook. Throws a `StartError` with all problems, after stopping whatever was already started.
 */
export async function serve(options: ServeOptions, log: Log): Promise<Serving> {
  const cleanups: Cleanups = [];
  try {
    return await start(options, log, cleanups);
  } catch (error) {
    await runCleanups(cleanups);
    throw error;
  }
}
