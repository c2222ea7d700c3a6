import type { OutputFormat } from '../../manifests/output.ts';
import type { EngineOptions, ManifestOptions } from '../../options.ts';

/** Options of `inject`. */
export interface InjectOptions extends ManifestOptions, EngineOptions {
  readonly output: OutputFormat;
  /** Only say which objects would change. */
  readonly check?: boolean;
  /** Only say what would become of every object. */
  readonly summary?: boolean;
}
