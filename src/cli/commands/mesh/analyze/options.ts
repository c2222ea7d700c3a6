/** Options of `mesh analyze`. */
export interface AnalyzeOptions {
  readonly filename?: readonly string[];
  readonly live?: boolean;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly clusterDomain: string;
  readonly rootNamespace: string;
  readonly output: 'text' | 'json';
}
