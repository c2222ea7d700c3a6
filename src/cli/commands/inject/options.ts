import type { OutputFormat } from '../../manifests/output.ts';
import type { EngineOptions, ManifestOptions } from '../../options.ts';

/** Options of `inject`. */
export interface InjectOptions extends ManifestOptions, EngineOptions {
  readonly output: OutputFormat;
  /** Only list the objects that would change. */
  readonly check?: boolean;
  /** Only print a table of decisions. */
  readonly summary?: boolean;
  /** Render anew what was injected before. */
  readonly refresh?: boolean;
  /** Tell about every object. */
  readonly verbose?: boolean;
}
