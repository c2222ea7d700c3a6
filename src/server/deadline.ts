const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/**
 * The API server's `?timeout=` in milliseconds; it writes a Go duration such as `5s`. Undefined when there is none or
 * it is not one, then nothing is shed.
 */
export function readTimeoutMs(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const match = /^(\d{1,6})(ms|s|m)$/.exec(value);
  if (match === null) return undefined;
  return Number(match[1]) * (unitMs[match[2] ?? ''] ?? 0);
}

/** Share of the timeout after which an answer would come too late to be of use. */
const deadlineFraction = 0.9;

/** Whether so much of the caller's timeout (`?timeout=`) is over that an answer would come too late to be of use. */
export function isLate(timeout: unknown, sinceMs: number): boolean {
  const timeoutMs = readTimeoutMs(timeout);
  return timeoutMs !== undefined && sinceMs > timeoutMs * deadlineFraction;
}
