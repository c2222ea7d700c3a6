import type { ClusterOptions } from '../../../options.ts';

/** Options of `mesh status`. */
export interface StatusOptions extends ClusterOptions {
  readonly namespace?: string;
  readonly controlPlaneNamespace: string;
  readonly service: string;
  readonly rootNamespace: string;
  readonly output: 'text' | 'json';
}
