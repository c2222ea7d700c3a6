import type { ClusterOptions } from '../../../options.ts';

/** Options of `mesh analyze`. */
export interface AnalyzeOptions extends ClusterOptions {
  readonly filename?: readonly string[];
  readonly live?: boolean;
  readonly namespace?: string;
  readonly clusterDomain: string;
  readonly rootNamespace: string;
  readonly output: 'text' | 'json';
}
