/** Limits of the HTTPS server. */
export interface Limits {
  /**
   * Two objects of up to 3 MiB (an update has both) and 1 MiB for the rest; the API server refuses larger objects.
   */
  readonly bodyBytes: number;
  /**
   * Total bytes of bodies and unread responses, not counting `reservedBytes` of each. Above it, requests of stalled
   * clients are evicted; if none is stalled, the request that needs more gets 503 with Retry-After, which the API
   * server retries.
   */
  readonly bufferedBytes: number;
  /** Bytes reserved for every request, so that a review of usual size is never refused because of large ones. */
  readonly reservedBytes: number;
  /** Larger bodies are received in turns. A review of a pod with 1,000 variables has 130 KiB. */
  readonly largeBytes: number;
  /**
   * How many of them at a time; each takes some 15 ms of the only thread. Node accepts one connection in each iteration
   * of the event loop, so iterations must be short.
   */
  readonly largeBodies: number;
  /** How long a client may make no progress before it counts as stalled. */
  readonly stallMs: number;
  /** Time limit for receiving a small body. */
  readonly bodyTimeoutMs: number;
  /** Additional time for each MiB. The total is well below the API server's own timeout of at most 30 s. */
  readonly bodyTimeoutPerMebibyteMs: number;
  /**
   * Longer than the 90 s for which API servers keep idle connections, so that we never close one that is being used.
   */
  readonly keepAliveTimeoutMs: number;
  /** Keep-alive timeout of connections that have not carried a review, and so are not the API server's. */
  readonly strangerTimeoutMs: number;
  readonly headersTimeoutMs: number;
  /** Time limit for receiving the whole request, including headers. */
  readonly requestTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** Interval at which Node enforces these timeouts. */
  readonly timeoutCheckMs: number;
  /**
   * An API server opens one for each concurrent call, 200 by default (--max-mutating-requests-inflight). Each takes
   * about 50 KiB.
   */
  readonly connections: number;
}

const mebibyte = 1024 * 1024;

export const defaultLimits: Limits = {
  bodyBytes: 7 * mebibyte,
  bufferedBytes: 48 * mebibyte,
  reservedBytes: 32 * 1024,
  largeBytes: 256 * 1024,
  largeBodies: 1,
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
