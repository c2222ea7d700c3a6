import type { AddressInfo } from 'node:net';
import type { CertificateEvent } from '../certs/events.ts';
import type { CertificateSource } from '../certs/source.ts';
import { connect, type ApiClient } from '../kubernetes/client.ts';
import { createMetricsServer } from '../server/metrics-server.ts';
import type { HealthCheck } from '../server/health.ts';
import { createServer, type WebhookServer } from '../server/server.ts';
import type { KeyPair } from '../server/tls.ts';
import { version } from '../settings/version.ts';
import type { Log } from '../telemetry/log.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import type { Address } from './address.ts';
import { createCertificateSource, createPlaceholderPair, type CertificateChoice } from './certificate.ts';
import { watchServerVersion } from './cluster-facts.ts';
import type { FileProblem } from './configuration.ts';
import { keepConfiguration, type ConfigurationKeeper } from './configuration-keeper.ts';

export interface ServeOptions {
  readonly listen: Address;
  readonly metricsListen: Address;
  readonly settings: string | undefined;
  readonly sidecars: string | undefined;
  readonly certificate: CertificateChoice;
  readonly kubeconfig: string | undefined;
  /** How long to go on serving after a stop was asked for, so that callers hear of it first. */
  readonly drainMs: number;
}

/** A webhook that serves. */
export interface Serving {
  readonly address: AddressInfo;
  readonly metricsAddress: AddressInfo;
  /** Unready first, then serve on, then close. Resolves when everything is closed. */
  stop(): Promise<void>;
}

/** Start-up gave up; the problems are for people. */
export class StartError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('; '), options);
    this.name = 'StartError';
    this.problems = problems;
  }
}

/** Longer than this without a first certificate, and a placeholder answers the kubelet's probes meanwhile. */
const patienceMs = 2_000;

function tellEvents(log: Log, metrics: Metrics): (event: CertificateEvent) => void {
  const bad = /-(?:missing|invalid|unreachable|failed|skewed)$/;
  return (event) => {
    metrics.certificateEvents.inc({ event: event.code });
    const level = bad.test(event.code) ? 'warn' : 'info';
    log[level]({ event: event.code, detail: event.detail, notAfter: event.notAfter }, 'certificates');
  };
}

async function listen(
  server: { listen: (options: object) => unknown; once: Function },
  address: Address,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.once('listening', resolve);
  server.listen({ port: address.port, ...(address.host === undefined ? {} : { host: address.host }) });
  await promise;
}

function addressError(what: string, error: unknown): StartError {
  const { code } = error as NodeJS.ErrnoException;
  const why =
    code === 'EADDRINUSE' ? 'the address is in use' : code === 'EACCES' ? 'the port needs more rights' : String(code);
  return new StartError([`${what}: cannot listen: ${why}`], { cause: error });
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
  readonly configuration: ConfigurationKeeper;
  readonly source: CertificateSource;
  readonly metrics: Metrics;
  readonly log: Log;
}

function checksOf(parts: Parts, state: { isDraining: boolean }): () => readonly HealthCheck[] {
  return () => {
    const certificate = parts.source.health();
    const checks = [
      parts.configuration.health(),
      { name: 'certificate', ready: certificate.ready, reason: certificate.reason },
      { name: 'shutdown', ready: !state.isDraining, reason: state.isDraining ? 'draining' : 'serving' },
    ];
    parts.metrics.ready.set(checks.every((check) => check.ready) ? 1 : 0);
    return checks;
  };
}

function problemTexts(problems: readonly FileProblem[]): string[] {
  return problems.map(({ file, where, message }) => [file, where, message].filter((part) => part !== '').join(': '));
}

/** Starts everything, in the order in which each part can answer. Throws `StartError` with all problems. */
export async function serve(options: ServeOptions, log: Log): Promise<Serving> {
  const metrics = createMetrics(version);
  const kept = await keepConfiguration({ settings: options.settings, sidecars: options.sidecars }, { log, metrics });
  if ('problems' in kept) throw new StartError(problemTexts(kept.problems));
  const configuration = kept;
  const client = await openClient(options);
  const state = { isDraining: false };
  let server: WebhookServer | undefined;
  const source = createCertificateSource(options.certificate, {
    client,
    onEvent: tellEvents(log, metrics),
    port: () => (server?.app.server.address() as AddressInfo | null)?.port ?? options.listen.port,
  });
  const present = (pair: KeyPair & { readonly notAfter?: Date }): void => {
    server?.useKeyPair(pair);
    if (pair.notAfter !== undefined) metrics.certificateExpiry.set(pair.notAfter.getTime() / 1_000);
  };
  source.onChange(present);
  const starting = source.start();
  // Handled below in both branches; a rejection before that must not count as unhandled.
  starting.catch(() => undefined);
  let first: FirstPair;
  try {
    first = await firstPair(starting);
  } catch (error) {
    await source.stop();
    throw new StartError([error instanceof Error ? error.message : String(error)], { cause: error });
  }
  server = createServer({
    keyPair: first.pair,
    snapshot: () => configuration.snapshot(),
    checks: checksOf({ configuration, source, metrics, log }, state),
    log,
    metrics,
    nowMs: () => performance.now(),
  });
  const webhook = server;
  starting.then(present, (error: unknown) => log.error({ err: error }, 'no certificate'));
  const metricsServer = createMetricsServer(metrics);
  await webhook.app.ready();
  try {
    await listen(webhook.app.server, options.listen);
  } catch (error) {
    throw addressError('--listen', error);
  }
  try {
    await listen(metricsServer, options.metricsListen);
  } catch (error) {
    await webhook.app.close();
    throw addressError('--metrics-listen', error);
  }
  const facts = client === undefined ? undefined : watchServerVersion(client, configuration, log);
  const address = webhook.app.server.address() as AddressInfo;
  const metricsAddress = metricsServer.address() as AddressInfo;
  log.info({ address: address.address, port: address.port, isPlaceholder: first.isPlaceholder }, 'listening');
  log.info({ address: metricsAddress.address, port: metricsAddress.port }, 'metrics listening');
  return {
    address,
    metricsAddress,
    async stop() {
      state.isDraining = true;
      log.info({ drainMs: options.drainMs }, 'draining');
      await new Promise((resolve) => setTimeout(resolve, options.drainMs));
      webhook.drain();
      facts?.stop();
      configuration.stop();
      await webhook.app.close();
      metricsServer.closeAllConnections();
      await new Promise<void>((resolve) => metricsServer.close(() => resolve()));
      await source.stop();
      client?.close();
      log.info('stopped');
    },
  };
}
