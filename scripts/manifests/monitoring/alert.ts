/** One alert for Prometheus, and what its runbook says. */
export interface Alert {
  readonly name: string;
  /** `critical`: pods cannot be created, or soon cannot. `warning`: something is wrong that will not end by itself. */
  readonly severity: 'critical' | 'warning';
  readonly expression: string;
  /** How long the expression has to hold. */
  readonly minutes: number;
  /** One sentence; may have Prometheus' templates. */
  readonly summary: string;
  /** What to do. */
  readonly runbook: string;
}
