import { Counter, Gauge, Registry } from '@prometheus-io/client';
import { createConfigurationMetrics, type ConfigurationMetrics } from './metrics.ts';
import { observeProcess } from './process-metrics.ts';
import { readGauge } from './read-gauge.ts';

/** Pods of one owner with one finding, as labels of a metric. Prometheus itself sets `namespace` and `pod`. */
export interface CountedPods {
  readonly finding: string;
  readonly owner_namespace: string;
  readonly owner_kind: string;
  readonly owner_name: string;
  readonly pods: number;
}

/** What is read when metrics of the auditor are collected. */
export interface AuditReadings {
  readonly isLeader: () => boolean;
  /** Pods that are known; undefined while this replica does not look at them. */
  readonly pods: () => number | undefined;
  readonly found: () => readonly CountedPods[];
  readonly isBreakerOpen: () => boolean;
}

/** Metrics of the auditor. */
export interface AuditMetrics extends ConfigurationMetrics {
  readonly events: Counter<'result'>;
  readonly evictions: Counter<'result'>;
  readonly watchFailures: Counter<string>;
  observeProcess(): void;
  observe(read: AuditReadings): void;
  /** All metrics in the Prometheus text format. */
  expose(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** Series by owner, at most; the rest of a finding is counted as one owner without a name. */
const mostSeries = 500;

/** The owners with the most pods, and what is left of each finding. */
function bounded(found: readonly CountedPods[]): readonly CountedPods[] {
  const sorted = found.toSorted((one, other) => other.pods - one.pods);
  const rest = new Map<string, number>();
  for (const { finding, pods } of sorted.slice(mostSeries)) rest.set(finding, (rest.get(finding) ?? 0) + pods);
  const others = [...rest].map(([finding, pods]) => ({
    finding,
    pods,
    owner_namespace: '',
    owner_kind: '',
    owner_name: '',
  }));
  return [...sorted.slice(0, mostSeries), ...others];
}

/** How creating an Event ends, and how an eviction does. */
export const eventResults = ['created', 'failed'] as const;
export const evictionResults = [
  'evicted',
  'gone',
  'budget',
  'failed',
  'replaced',
  'missed-again',
  'not-replaced',
] as const;

/** Creates the metrics; `version` is a label of `build_info`. */
export function createAuditMetrics(version: string): AuditMetrics {
  const registry = new Registry();
  const registers = [registry];
  const options = (name: string, help: string) => ({ name: `sidecar_injector_audit_${name}`, help, registers });
  const build = new Gauge({
    ...options('build_info', 'Always 1; the version is a label.'),
    labelNames: ['version'] as const,
  });
  build.set({ version }, 1);
  const events = new Counter({
    ...options('events_total', 'Events about owners of pods, by result.'),
    labelNames: ['result'] as const,
  });
  for (const result of eventResults) events.inc({ result }, 0);
  const evictions = new Counter({
    ...options('evictions_total', 'Evictions: what the API server made of each, and what came in place of the pod.'),
    labelNames: ['result'] as const,
  });
  for (const result of evictionResults) evictions.inc({ result }, 0);
  return {
    ...createConfigurationMetrics(options),
    events,
    evictions,
    watchFailures: new Counter(options('watch_failures_total', 'Lists and watches of the API server that failed.')),
    observeProcess: () => observeProcess(registry),
    observe(read) {
      readGauge(options('leader', '1 for the replica that looks at pods.'), () => Number(read.isLeader()));
      readGauge(options('known_pods', 'Pods that the leader looks at.'), () => read.pods() ?? 0);
      readGauge(options('breaker_open', '1 while nothing is evicted because new pods were no better.'), () =>
        Number(read.isBreakerOpen()),
      );
      const help = 'Pods that are not as a new one would be, by owner and finding, at the leader.';
      const byOwner = new Gauge({
        ...options('pods', help),
        labelNames: ['finding', 'owner_namespace', 'owner_kind', 'owner_name'] as const,
        collect() {
          byOwner.reset();
          for (const { pods, ...labels } of bounded(read.found())) byOwner.set(labels, pods);
        },
      });
    },
    expose: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
