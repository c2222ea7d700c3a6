import type { ClusterOptions } from '../../options.ts';

/** Options of `check`. */
export interface CheckOptions extends ClusterOptions {
  readonly settings?: string;
  readonly sidecars?: readonly string[];
  readonly wait?: number;
  readonly output: 'text' | 'json';
}
