import type { TlsOptions } from 'node:tls';

/** PEM texts of what the server presents. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * The complete TLS options. They are the same at start and at every swap: an option left out at a swap falls back to
 * Node's default, the protocol floor included.
 */
export function tlsOptions(pair: KeyPair): TlsOptions {
  return {
    cert: pair.certificate,
    key: pair.privateKey,
    // The API server speaks 1.3 to us; 1.2 is its floor.
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    ALPNProtocols: ['http/1.1'],
  };
}
