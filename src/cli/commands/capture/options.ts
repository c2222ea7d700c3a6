import type { EngineOptions, ManifestOptions } from '../../options.ts';

/** Options of `capture`. */
export interface CaptureOptions extends ManifestOptions, EngineOptions {
  /** A capture file, instead of pods. */
  readonly config?: string;
  readonly dryRun?: boolean;
  readonly family?: 'v4' | 'v6' | 'nft';
  readonly explain?: boolean;
}
