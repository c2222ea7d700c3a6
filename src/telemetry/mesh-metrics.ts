import { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';

/** Metrics of the control plane. Label values are bounded: kinds of resources and of objects, and results. */
export interface MeshMetrics {
  readonly responses: Counter<'kind' | 'result'>;
  readonly refused: Counter<'kind'>;
  readonly convergence: Histogram<string>;
  readonly turnedAway: Counter<string>;
  readonly watchFailures: Counter<'kind'>;
  readonly objects: Gauge<'kind'>;
  /** Reports the open streams when metrics are collected. */
  observeStreams(read: () => { readonly open: number; readonly inSync: number }): void;
  /** Reports what is withheld when metrics are collected. */
  observeWithheld<K extends string>(kinds: readonly K[], read: (kind: K) => number): void;
  /** All metrics in the Prometheus text format. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>;
}

const prefix = 'sidecar_injector_mesh_';

/** Makes a gauge that is read when metrics are collected. */
function show<L extends string>(
  options: { name: string; help: string; registers: Registry[]; labelNames?: readonly L[] },
  read: (gauge: Gauge<L>) => void,
): Gauge<L> {
  return new Gauge<L>({
    ...options,
    collect() {
      read(this);
    },
  });
}

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
    watchFailures: new Counter({
      ...options('watch_failures_total', 'Lists and watches of the API server that failed.'),
      labelNames: ['kind'] as const,
    }),
    objects: new Gauge({
      ...options('objects', 'Objects of the cluster when their kind was listed last.'),
      labelNames: ['kind'] as const,
    }),
    observeStreams(read) {
      show(options('streams', 'Open streams of proxies.'), (gauge) => gauge.set(read().open));
      show(options('streams_in_sync', 'Streams whose proxy holds all that it should.'), (gauge) =>
        gauge.set(read().inSync),
      );
    },
    observeWithheld(kinds, read) {
      const help = 'Resources that a proxy rejected: others of its build keep the last good version.';
      show({ ...options('withheld_resources', help), labelNames: ['kind'] as const }, (gauge) => {
        for (const kind of kinds) gauge.set({ kind }, read(kind));
      });
    },
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
