import type { OutputFormat } from '../../manifests/output.ts';
import type { ManifestOptions } from '../../options.ts';

/** Options of `uninject`. */
export interface UninjectOptions extends ManifestOptions {
  readonly output: Exclude<OutputFormat, 'patch'>;
  /** Tell about every object. */
  readonly verbose?: boolean;
}
