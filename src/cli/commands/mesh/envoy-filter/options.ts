/** Options of `mesh envoy-filter`. */
export interface EnvoyFilterOptions {
  readonly filename?: readonly string[];
  readonly namespace?: string;
}
