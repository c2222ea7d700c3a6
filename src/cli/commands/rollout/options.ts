import type { ClusterOptions } from '../../options.ts';

/** Options of all rollout commands. */
export interface RolloutOptions extends ClusterOptions {
  /** Files in place of the ConfigMaps of the cluster's injector. */
  readonly settings?: string;
  readonly sidecars?: readonly string[];
}

/** Options of `rollout status`. */
export interface StatusOptions extends RolloutOptions {
  readonly namespace?: string;
  readonly output: 'text' | 'json';
}

/** Options of `rollout restart`. */
export interface RestartOptions extends RolloutOptions {
  readonly namespace?: string;
  readonly outdated?: true;
  readonly dryRun?: true;
  /** Milliseconds between a workload that is available again and the next one. */
  readonly interval: number;
  /** Milliseconds that a workload may take until it is available again. */
  readonly timeout: number;
}

/** Options of `rollout set`. */
export interface SetOptions extends RolloutOptions {
  readonly dryRun?: true;
}
