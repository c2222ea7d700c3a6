import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startProgram } from './background-program.ts';
import { eventually } from '../waiting.ts';
import type { Agent } from '../network/agent.ts';
import { inNamespace } from '../network/pod-namespace.ts';

/** One series as Prometheus has stored it, with its last value. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Prometheus {
  /** The last value of every series that the expression selects. */
  query(expression: string): Promise<readonly Series[]>;
  /** Type of each metric that a target has declared, by name. */
  types(): Promise<ReadonlyMap<string, string>>;
  /** What went wrong with the last scrape; empty when nothing did. */
  lastError(): Promise<string>;
  readonly stop: () => Promise<void>;
}

/** Where Prometheus runs, and what it scrapes every second. */
export interface PrometheusOptions {
  /** What stands before its command, such as one that enters a network. */
  readonly within?: readonly string[];
  readonly port: number;
  /** Path of the pages. */
  readonly path: string;
  readonly targets: readonly string[];
  /** Gets a page of Prometheus itself. */
  readonly get: (url: string) => Promise<{ readonly status: number; readonly body: string }>;
}

/** A real Prometheus in the agent's namespace that scrapes proxies; the agent asks it for the test. */
export function startPrometheus(namespace: string, agent: Agent, ...targets: readonly string[]): Promise<Prometheus> {
  return runPrometheus({
    within: inNamespace(namespace),
    port: 9999,
    path: '/stats/prometheus',
    targets,
    get: (url) => agent.ask({ url }),
  });
}

/** Starts a real Prometheus. Whoever does it stops it. */
export async function runPrometheus({
  within = [],
  port,
  path: page,
  targets,
  get,
}: PrometheusOptions): Promise<Prometheus> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sidecar-injector-prometheus-'));
  const config = path.join(folder, 'prometheus.yml');
  await writeFile(
    config,
    JSON.stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: [{ job_name: 'pod', metrics_path: page, static_configs: [{ targets }] }],
    }),
  );
  const [command, ...words] = [
    ...within,
    'prometheus',
    `--config.file=${config}`,
    `--storage.tsdb.path=${path.join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const program = startProgram('prometheus', [command, ...words], { logFile: path.join(folder, 'log') });
  const ask = async (what: string): Promise<unknown> => {
    const { body } = await get(`http://127.0.0.1:${port}${what}`);
    return (JSON.parse(body) as { data: unknown }).data;
  };
  const isUp = (): Promise<boolean> =>
    get(`http://127.0.0.1:${port}/-/ready`).then(
      ({ status }) => status === 200,
      () => false,
    );
  if (!(await eventually(isUp, Boolean, 30_000))) {
    throw new Error(`Prometheus is not ready after 30 s: ${await program.readLog()}`);
  }
  return {
    async query(expression) {
      const { result } = (await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`)) as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      };
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async types() {
      const found = (await ask('/api/v1/targets/metadata')) as { metric: string; type: string }[];
      return new Map(found.map(({ metric, type }) => [metric, type]));
    },
    async lastError() {
      const { activeTargets } = (await ask('/api/v1/targets')) as { activeTargets: { lastError: string }[] };
      return activeTargets.flatMap(({ lastError }) => lastError || []).join('; ');
    },
    async stop() {
      await program.stop('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
