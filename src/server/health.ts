/** One thing that readiness depends on. */
export interface HealthCheck {
  readonly name: string;
  readonly ready: boolean;
  /** One sentence. */
  readonly reason: string;
}

/** Kubernetes' own layout of /readyz?verbose: a line a check, then the verdict. */
export function writeHealth(
  checks: readonly HealthCheck[],
  verbose: boolean,
): { readonly status: number; readonly body: string } {
  const ready = checks.every((check) => check.ready);
  const status = ready ? 200 : 503;
  const verdict = ready ? 'ok' : 'not ready';
  if (!verbose && ready) return { status, body: 'ok\n' };
  const lines = checks.map((check) => `[${check.ready ? '+' : '-'}] ${check.name}: ${check.reason}`);
  return { status, body: `${[...lines, verdict].join('\n')}\n` };
}
