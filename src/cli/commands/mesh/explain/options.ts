/** Options of `mesh explain`. */
export interface ExplainCallOptions {
  readonly filename?: readonly string[];
  readonly live?: boolean;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly method?: string;
  readonly path?: string;
  readonly header?: readonly string[];
  readonly clusterDomain: string;
  readonly rootNamespace: string;
  readonly output: 'text' | 'json';
}
