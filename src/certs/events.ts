/** Constant names of what happens to certificates, for log lines, metric labels and tests. */
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

/** One thing that happened. A condition that lasts is told once when it begins, and again after it had gone away. */
export interface CertificateEvent {
  readonly code: CertificateEventCode;
  /** One sentence for people; never holds a key. */
  readonly detail: string;
  /** End of life of the certificate that the event is about, when it is about one. */
  readonly notAfter?: Date;
  /** Generation of the CA that the event is about; counts up at every rotation. */
  readonly generation?: number;
}

export type OnCertificateEvent = (event: CertificateEvent) => void;
