import type { ClusterOptions, EngineOptions, ManifestOptions } from '../../options.ts';

/** Options of `explain`. */
export interface ExplainOptions extends ManifestOptions, EngineOptions, ClusterOptions {
  readonly output: 'text' | 'json';
  /** `namespace/name` of a live pod. */
  readonly pod?: string;
}
