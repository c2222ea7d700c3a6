/** What the HTTPS server presents. PEM texts; the key never leaves the process that holds it. */
export interface ServingCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly notAfter: Date;
  /** CA bundle that verifies the certificate, when this source knows one. */
  readonly bundle?: string;
}

/** Where the server's certificate comes from: files, the cluster's CA Secret, or a CA in memory. */
export interface CertificateSource {
  /** Resolves with the first certificate. Rejects when there can be none (bad files, no access). */
  start(): Promise<ServingCertificate>;
  /** Calls back with every later certificate. Call before `start`. */
  onChange(listener: (next: ServingCertificate) => void): void;
  /** Whether an API server can verify what is presented now; `reason` is one sentence for people. */
  health(): { readonly ready: boolean; readonly reason: string };
  /** Stops timers and watches. */
  stop(): Promise<void>;
}
