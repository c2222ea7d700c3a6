/** Options of `check`. */
export interface CheckOptions {
  readonly settings?: string;
  readonly sidecars?: readonly string[];
  readonly kubeconfig?: string;
  readonly wait?: number;
  readonly output: 'text' | 'json';
}
