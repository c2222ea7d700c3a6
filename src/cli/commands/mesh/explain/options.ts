import type { ClusterOptions } from '../../../options.ts';

/** Options of `mesh explain`. */
export interface ExplainCallOptions extends ClusterOptions {
  readonly filename?: readonly string[];
  readonly live?: boolean;
  readonly namespace?: string;
  readonly method?: string;
  readonly path?: string;
  readonly header?: readonly string[];
  readonly clusterDomain: string;
  readonly rootNamespace: string;
  readonly output: 'text' | 'json';
}
