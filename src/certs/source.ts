/** The certificate that the HTTPS server presents, as PEM. The key never leaves the process. */
export interface ServingCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  readonly notAfter: Date;
  /** CA bundle that verifies the certificate, if the source knows one. */
  readonly bundle?: string;
}

/** Source of the server's certificate: files, the CA Secret of the cluster, or a CA in memory. */
export interface CertificateSource {
  /** Resolves with the first certificate. Rejects if there cannot be one, for example because files are invalid. */
  start(): Promise<ServingCertificate>;
  /** Tells clients how to verify the certificate; called once the server listens. Rejects if that cannot be done. */
  announce?(): Promise<void>;
  /** Registers a listener for every later certificate. Call this before `start`. */
  onChange(listener: (next: ServingCertificate) => void): void;
  /** Whether API servers can verify the certificate that is presented now; `reason` is one sentence for people. */
  health(): { readonly ready: boolean; readonly reason: string };
  /** Stops all timers and file watches. */
  stop(): Promise<void>;
}
