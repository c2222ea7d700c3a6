/** Bounds of the HTTPS server. Each number has its reason; tests may set smaller ones. */
export interface Limits {
  /**
   * Two objects of up to 3 MiB (an update carries both) and 1 MiB for the rest; the API server refuses larger objects.
   */
  readonly bodyBytes: number;
  /**
   * Bytes of bodies and untaken answers at once, what each has for itself aside. Above it those give way whose clients
   * stand still; while all are moving, the one that needs more gets 503 with Retry-After, which the API server retries.
   */
  readonly bufferedBytes: number;
  /** What every request has for itself: a usual review is never refused for the large ones of others. */
  readonly reservedBytes: number;
  /** How long a client may stand still before its memory is given to others. */
  readonly stallMs: number;
  /** For the first byte of a body to arrive and the last one of a small one. */
  readonly bodyTimeoutMs: number;
  /** Further time for each MiB; all of it is well within the API server's own timeout of at most 30 s. */
  readonly bodyTimeoutPerMebibyteMs: number;
  /** Longer than the 90 s for which the API server keeps idle connections: whoever closes first wins a race. */
  readonly keepAliveTimeoutMs: number;
  /** The same for connections that have brought no review: they are not the API server's. */
  readonly strangerTimeoutMs: number;
  readonly headersTimeoutMs: number;
  /** Whole request, headers included. */
  readonly requestTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** How often Node looks for connections that broke these timeouts. */
  readonly timeoutCheckMs: number;
  /**
   * An API server opens one for each call that it makes at a time, 200 by default (--max-mutating-requests-inflight);
   * one takes some 50 KiB.
   */
  readonly connections: number;
}

const mebibyte = 1024 * 1024;

export const defaultLimits: Limits = {
  bodyBytes: 7 * mebibyte,
  bufferedBytes: 48 * mebibyte,
  reservedBytes: 32 * 1024,
  stallMs: 250,
  bodyTimeoutMs: 2_000,
  bodyTimeoutPerMebibyteMs: 1_000,
  keepAliveTimeoutMs: 120_000,
  strangerTimeoutMs: 5_000,
  headersTimeoutMs: 5_000,
  requestTimeoutMs: 15_000,
  handshakeTimeoutMs: 5_000,
  timeoutCheckMs: 1_000,
  connections: 2_048,
};
