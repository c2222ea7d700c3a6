import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { reasons, type ReasonCode } from '../injection/policy/reason.ts';
import { observeProcess } from './process-metrics.ts';
import { readGauge } from './read-gauge.ts';

/** What a webhook's server counts, whatever its reviews are about. */
export interface ServerMetrics {
  readonly badRequests: Counter<'status'>;
  readonly shed: Counter<'reason'>;
  /** Reports the use of buffers. It is read when metrics are collected, because it changes several times per review. */
  observeBuffers(read: () => BufferUse): void;
}

/** What is reported of the files that decide what is injected. */
export interface ConfigurationMetrics {
  readonly reloads: Counter<'result'>;
  readonly configurationValid: Gauge<string>;
  readonly configurationInfo: Gauge<'hash'>;
  readonly configurationTime: Gauge<string>;
}

/** All metrics of the process, in one registry. The number of label values is bounded: outcomes, codes and results. */
export interface Metrics extends ServerMetrics, ConfigurationMetrics {
  readonly reviews: Counter<'outcome' | 'reason'>;
  readonly failures: Counter<string>;
  readonly duration: Histogram<'outcome'>;
  readonly patchBytes: Histogram<string>;
  readonly certificateExpiry: Gauge<string>;
  readonly certificateEvents: Counter<'event'>;
  readonly ready: Gauge<string>;
  readonly events: Counter<'result'>;
  /** Reports the process itself, once in a process. */
  observeProcess(): void;
  /** All metrics in the Prometheus text format. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const prefix = 'sidecar_injector_';

interface Options {
  readonly name: string;
  readonly help: string;
  readonly registers: Registry[];
}

/** Requests and their buffers. */
export interface BufferUse {
  readonly inFlight: number;
  /** Bytes of bodies received so far, and of responses that clients have not read yet. */
  readonly bufferedBytes: number;
}

/** Makes the name of a metric, and the registry that it is in. */
export type Naming = (name: string, help: string) => Options;

/** Creates what a webhook's server counts. */
export function createServerMetrics(options: Naming): ServerMetrics {
  return {
    badRequests: new Counter({
      ...options('bad_requests_total', 'Requests refused before any decision, by HTTP status.'),
      labelNames: ['status'] as const,
    }),
    shed: new Counter({
      ...options('shed_total', 'Reviews answered 503 with Retry-After, which the API server retries.'),
      labelNames: ['reason'] as const,
    }),
    observeBuffers: (read) => observeBuffers(options, read),
  };
}

function observeBuffers(options: Naming, read: () => BufferUse): void {
  readGauge(options('admission_in_flight', 'Reviews being received or answered.'), () => read().inFlight);
  readGauge(
    options(
      'admission_buffered_bytes',
      'Bytes of bodies that are being received and of answers that are not taken yet.',
    ),
    () => read().bufferedBytes,
  );
}

/** Creates what is reported of settings and sidecars. */
export function createConfigurationMetrics(options: Naming): ConfigurationMetrics {
  return {
    reloads: new Counter({
      ...options('configuration_reloads_total', 'Reloads of settings and templates, by result.'),
      labelNames: ['result'] as const,
    }),
    configurationValid: new Gauge(
      options('configuration_valid', '1 when the files on disk are what is in use, 0 when they were refused.'),
    ),
    configurationInfo: new Gauge({
      ...options('configuration_info', 'Always 1; the hash of the settings in use is a label.'),
      labelNames: ['hash'] as const,
    }),
    configurationTime: new Gauge(
      options('configuration_load_timestamp_seconds', 'When the settings in use were read, Unix time.'),
    ),
  };
}

/** Creates the metrics; `version` is a label of `build_info`. */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const options = (name: string, help: string) => ({ name: `${prefix}${name}`, help, registers });
  const reviews = new Counter({
    ...options('admission_reviews_total', 'Reviews answered, by outcome and first reason.'),
    labelNames: ['outcome', 'reason'] as const,
  });
  const events = new Counter({
    ...options('events_total', 'Events about owners of pods and about the injector itself, by result.'),
    labelNames: ['result'] as const,
  });
  for (const result of ['created', 'failed', 'dropped']) events.inc({ result }, 0);
  for (const code of Object.keys(reasons) as ReasonCode[]) {
    reviews.inc({ outcome: reasons[code].outcome, reason: code }, 0);
  }
  const build = new Gauge({
    ...options('build_info', 'Always 1; the version is a label.'),
    labelNames: ['version'] as const,
  });
  build.set({ version }, 1);
  return {
    reviews,
    ...createServerMetrics(options),
    failures: new Counter(options('internal_failures_total', 'Defects caught while deciding; report them.')),
    duration: new Histogram({
      ...options('admission_duration_seconds', 'From the last byte of a review to its answer.'),
      labelNames: ['outcome'] as const,
      buckets: [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    }),
    patchBytes: new Histogram({
      ...options('patch_bytes', 'Size of the JSON Patch.'),
      buckets: [1024, 4096, 8192, 16_384, 32_768, 65_536, 262_144],
    }),
    ...createConfigurationMetrics(options),
    certificateExpiry: new Gauge(
      options('serving_certificate_expiry_timestamp_seconds', 'End of the serving certificate, Unix time.'),
    ),
    certificateEvents: new Counter({
      ...options('certificate_events_total', 'What happened to certificates and the CA bundle.'),
      labelNames: ['event'] as const,
    }),
    ready: new Gauge(options('ready', '1 when /readyz answers 200.')),
    events,
    observeProcess: () => observeProcess(registry),
    async expose() {
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}
