import { Counter, Gauge, Registry } from '@prometheus-io/client';

/** Metrics of the control plane. Label values are bounded: kinds of resources and of objects, and results. */
export interface MeshMetrics {
  readonly responses: Counter<'kind' | 'result'>;
  readonly refused: Counter<'kind'>;
  readonly turnedAway: Counter<string>;
  readonly watchFailures: Counter<'kind'>;
  readonly objects: Gauge<'kind'>;
  /** Reports the open streams when metrics are collected. */
  observeStreams(read: () => { readonly open: number; readonly inSync: number }): void;
  /** All metrics in the Prometheus text format. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>;
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
    responses: new Counter({
      ...options('resources_total', 'Resources that proxies answered for, by kind and result.'),
      labelNames: ['kind', 'result'] as const,
    }),
    refused: new Counter({
      ...options('refused_resources_total', 'Resources that Envoy would reject and that were therefore not sent.'),
      labelNames: ['kind'] as const,
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
      const show = (gauge: ReturnType<typeof options>, value: () => number): Gauge =>
        new Gauge({
          ...gauge,
          collect() {
            this.set(value());
          },
        });
      show(options('streams', 'Open streams of proxies.'), () => read().open);
      show(options('streams_in_sync', 'Streams whose proxy holds all that it should.'), () => read().inSync);
    },
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
