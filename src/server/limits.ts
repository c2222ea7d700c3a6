/** Bounds of the HTTPS server. Each number has its reason; tests may set smaller ones. */
export interface Limits {
  /** Two objects of up to 3 MiB (an update carries both) and 1 MiB for the rest; the API server refuses larger objects. */
  readonly bodyBytes: number;
  /** Bodies being received at once; above it a request gets 503 with Retry-After, which the API server retries. */
  readonly bufferedBytes: number;
  /** Longer than the 90 s for which the API server keeps idle connections: whoever closes first wins a race. */
  readonly keepAliveTimeoutMs: number;
  readonly headersTimeoutMs: number;
  /** Whole request; the API server's own timeout is 30 s at most. */
  readonly requestTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** How often Node looks for connections that broke these timeouts. */
  readonly timeoutCheckMs: number;
  readonly connections: number;
}

const mebibyte = 1024 * 1024;

export const defaultLimits: Limits = {
  bodyBytes: 7 * mebibyte,
  bufferedBytes: 64 * mebibyte,
  keepAliveTimeoutMs: 120_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  handshakeTimeoutMs: 10_000,
  timeoutCheckMs: 2_000,
  connections: 4_096,
};
