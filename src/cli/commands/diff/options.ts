import type { EngineOptions, ManifestOptions } from '../../options.ts';

/** Options of `diff`. */
export interface DiffOptions extends ManifestOptions, EngineOptions {
  readonly kubeconfig?: string;
  readonly output: 'text' | 'json';
}
