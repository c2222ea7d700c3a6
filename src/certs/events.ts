/** Codes of certificate events, for log lines, metric labels and tests. */
export type CertificateEventCode =
  // the CA and its Secret
  | 'ca-generated'
  | 'ca-adopted'
  | 'ca-prepared'
  | 'ca-switched'
  | 'ca-dropped'
  | 'secret-conflict'
  | 'secret-missing'
  | 'secret-invalid'
  | 'secret-refilled'
  // what is served
  | 'leaf-issued'
  | 'pair-loaded'
  | 'pair-invalid'
  | 'watch-unavailable'
  // the webhook configuration and the API server
  | 'bundle-patched'
  | 'webhook-missing'
  | 'webhook-conflict'
  | 'api-unreachable'
  | 'clock-skewed'
  | 'round-failed'
  | 'self-check-passed'
  | 'self-check-failed';

/** A certificate event. A condition that persists is reported once when it begins, and again if it recurs. */
export interface CertificateEvent {
  readonly code: CertificateEventCode;
  /** One sentence for people; never contains a key. */
  readonly detail: string;
  /** Expiry of the certificate that the event is about, if any. */
  readonly notAfter?: Date;
  /** Generation of the CA that the event is about, if any; incremented by every rotation. */
  readonly generation?: number;
}

export type OnCertificateEvent = (event: CertificateEvent) => void;
