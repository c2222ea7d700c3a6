/** Options of `mesh status`. */
export interface StatusOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly controlPlaneNamespace: string;
  readonly service: string;
  readonly rootNamespace: string;
  readonly output: 'text' | 'json';
}
