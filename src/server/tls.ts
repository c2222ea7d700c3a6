import { constants } from 'node:crypto';
import type { TlsOptions } from 'node:tls';

/** The server's certificate and key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * Only ciphers with authenticated encryption and forward secrecy; OpenSSL's defaults require neither. Clients written
 * in Go, such as the API server, offer all of these.
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
 * The complete TLS options, for start and for every new certificate: `setSecureContext` resets an omitted option to
 * Node's default, even the minimum version. Throws if a text is empty, because Node would serve without a certificate.
 */
export function tlsOptions(pair: KeyPair): TlsOptions {
  if (pair.certificate === '' || pair.privateKey === '') throw new Error('the certificate or its key is empty');
  return {
    cert: pair.certificate,
    key: pair.privateKey,
    // API servers use TLS 1.3; their minimum is 1.2.
    minVersion: 'TLSv1.2',
    ciphers,
    honorCipherOrder: true,
    // A client of TLS 1.2 could make the server repeat the most expensive part of a connection; Go's clients never ask.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ALPNProtocols: ['http/1.1'],
  };
}
