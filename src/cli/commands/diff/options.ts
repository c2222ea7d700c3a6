import type { ClusterOptions, EngineOptions, ManifestOptions } from '../../options.ts';

/** Options of `diff`. */
export interface DiffOptions extends ManifestOptions, EngineOptions, ClusterOptions {
  readonly output: 'text' | 'json';
}
