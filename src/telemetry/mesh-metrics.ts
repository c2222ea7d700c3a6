import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { createServerMetrics, type ServerMetrics } from './metrics.ts';
import { observeProcess } from './process-metrics.ts';
import { readGauge } from './read-gauge.ts';

/** Metrics of the control plane. Label values are bounded: kinds of resources and of objects, and results. */
export interface MeshMetrics extends ServerMetrics {
  readonly judgements: Counter<'outcome'>;
  readonly responses: Counter<'kind' | 'result'>;
  readonly refused: Counter<'kind'>;
  readonly convergence: Histogram<string>;
  readonly turnedAway: Counter<string>;
  readonly declined: Counter<string>;
  readonly connectionsCut: Counter<string>;
  readonly suddenLosses: Counter<string>;
  readonly certificateExpiry: Gauge<string>;
  readonly authorityExpiry: Gauge<'authority'>;
  readonly authorityProblems: Gauge<'authority'>;
  readonly rootPhase: Gauge<'phase'>;
  readonly watchFailures: Counter<'kind'>;
  readonly objects: Gauge<'kind'>;
  /** Reports the process itself, once in a process. */
  observeProcess(): void;
  /** Reports what changes all the time when metrics are collected. */
  observe(read: MeshReadings): void;
  /** All metrics in the Prometheus text format. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** Values that are read when metrics are collected. */
export interface MeshReadings {
  readonly streams: () => number;
  readonly streamsInSync: () => number;
  /** Objects whose removal is held back after a sudden loss. */
  readonly heldBack: () => number;
  /** Resources that a proxy rejected, by kind: others of its build keep the last good version. */
  readonly withheld: () => ReadonlyMap<string, number>;
  /** Kinds of objects of which replicas know different ones. */
  readonly divergentKinds: () => number;
  /** Traffic rules by kind and by what has become of them. */
  readonly rules: () => readonly { readonly kind: string; readonly verdict: string; readonly count: number }[];
  /** Milliseconds since the API server was last heard of, by kind of object. */
  readonly watchAges: () => ReadonlyMap<string, number>;
}

const prefix = 'sidecar_injector_mesh_';

/** Creates the metrics; `version` is a label of `build_info`. */
export function createMeshMetrics(version: string): MeshMetrics {
  const registry = new Registry();
  const registers = [registry];
  const options = (name: string, help: string) => ({ name: `${prefix}${name}`, help, registers });
  const build = new Gauge({
    ...options('build_info', 'Always 1; the version is a label.'),
    labelNames: ['version'] as const,
  });
  build.set({ version }, 1);
  return {
    ...createServerMetrics(options),
    judgements: new Counter({
      ...options('rule_reviews_total', 'Traffic rules that were judged before they were stored, by outcome.'),
      labelNames: ['outcome'] as const,
    }),
    responses: new Counter({
      ...options('resources_total', 'Resources that proxies answered for, by kind and result.'),
      labelNames: ['kind', 'result'] as const,
    }),
    refused: new Counter({
      ...options('refused_resources_total', 'Resources that Envoy would reject and that were therefore not sent.'),
      labelNames: ['kind'] as const,
    }),
    convergence: new Histogram({
      ...options(
        'convergence_seconds',
        'From when a change is taken in to the last answer of the proxies that get it.',
      ),
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    }),
    turnedAway: new Counter(options('refused_streams_total', 'Streams of callers that could not prove who they are.')),
    declined: new Counter(
      options(
        'declined_streams_total',
        'Streams that were left to another replica, because of a limit, the start or an error.',
      ),
    ),
    connectionsCut: new Counter(
      options('closed_connections_total', 'Connections closed because no known proxy had a stream on them.'),
    ),
    suddenLosses: new Counter(
      options('sudden_losses_total', 'Times that most endpoints of many Services were gone at once.'),
    ),
    certificateExpiry: new Gauge(
      options('serving_certificate_expiry_timestamp_seconds', "End of the control plane's own certificate, Unix time."),
    ),
    authorityExpiry: new Gauge({
      ...options(
        'authority_expiry_timestamp_seconds',
        'End of an authority: the control plane itself, or that of workloads.',
      ),
      labelNames: ['authority'] as const,
    }),
    authorityProblems: new Gauge({
      ...options(
        'authority_problems',
        'What is wrong with an authority or its Secret; the replica goes on with what it has.',
      ),
      labelNames: ['authority'] as const,
    }),
    rootPhase: new Gauge({
      ...options('root_phase', "1 for the phase of the rotation of the workloads' root: stable, trust or sign."),
      labelNames: ['phase'] as const,
    }),
    watchFailures: new Counter({
      ...options('watch_failures_total', 'Lists and watches of the API server that failed.'),
      labelNames: ['kind'] as const,
    }),
    objects: new Gauge({
      ...options('objects', 'Objects of the cluster when their kind was listed last.'),
      labelNames: ['kind'] as const,
    }),
    observe(read) {
      const showByKind = (
        gauge: ReturnType<typeof options>,
        values: () => readonly (readonly [kind: string, value: number])[],
      ): Gauge<'kind'> =>
        new Gauge({
          ...gauge,
          labelNames: ['kind'] as const,
          collect() {
            for (const [kind, value] of values()) this.set({ kind }, value);
          },
        });
      readGauge(options('streams', 'Open streams of proxies.'), read.streams);
      readGauge(options('streams_in_sync', 'Streams whose proxy holds all that it should.'), read.streamsInSync);
      readGauge(
        options('divergent_kinds', 'Kinds of objects that differ from those of another replica.'),
        read.divergentKinds,
      );
      readGauge(options('held_removals', 'Objects whose removal is held back after a sudden loss.'), read.heldBack);
      const help = 'Resources that a proxy rejected: others of its build keep the last good version.';
      const rules = new Gauge({
        ...options('rules', 'Traffic rules by kind, and by whether something comes from them.'),
        labelNames: ['kind', 'verdict'] as const,
        collect() {
          rules.reset();
          for (const { kind, verdict, count } of read.rules()) rules.set({ kind, verdict }, count);
        },
      });
      showByKind(options('withheld_resources', help), () => [...read.withheld()]);
      showByKind(options('watch_age_seconds', 'Time since the API server was last heard of, by kind of object.'), () =>
        [...read.watchAges()].map(([kind, age]) => [kind, age / 1_000]),
      );
    },
    observeProcess: () => observeProcess(registry),
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
