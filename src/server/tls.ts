import type { TlsOptions } from 'node:tls';

/** PEM texts of what the server presents. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * Authenticated encryption with forward secrecy alone; OpenSSL's own list still has neither as a condition. Go's
 * clients, the API server among them, offer every one of these.
 */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/**
 * The complete TLS options. They are the same at start and at every swap: an option left out at a swap falls back to
 * Node's default, the protocol floor included. Throws when a text is empty: Node would go on without a certificate.
 */
export function tlsOptions(pair: KeyPair): TlsOptions {
  if (pair.certificate === '' || pair.privateKey === '') throw new Error('the certificate or its key is empty');
  return {
    cert: pair.certificate,
    key: pair.privateKey,
    // The API server speaks 1.3 to us; 1.2 is its floor.
    minVersion: 'TLSv1.2',
    ciphers,
    honorCipherOrder: true,
    ALPNProtocols: ['http/1.1'],
  };
}
