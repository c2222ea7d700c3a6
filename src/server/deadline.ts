const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/**
 * Parses the API server's `?timeout=`, a Go duration such as `5s`, into milliseconds. Undefined if missing or
 * malformed; requests are then never shed for lateness.
 */
export function readTimeoutMs(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const match = /^(\d{1,6})(ms|s|m)$/.exec(value);
  if (match === null) return undefined;
  return Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0);
}

/** Fraction of the timeout after which an answer would arrive too late. */
const deadlineFraction = 0.9;

/**
 * Whether an answer would arrive after the caller's timeout.
 *
 * @param timeout value of `?timeout=`
 * @param sinceMs time since the request arrived
 */
export function isLate(timeout: unknown, sinceMs: number): boolean {
  const timeoutMs = readTimeoutMs(timeout);
  return timeoutMs !== undefined && sinceMs > timeoutMs * deadlineFraction;
}
