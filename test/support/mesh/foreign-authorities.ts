import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A certificate that OpenSSL has made, with its key, PEM. */
export interface ForeignCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** How a key is made, in OpenSSL's words. */
const keyOptions = {
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  RSA: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'RSA-1024': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  Ed25519: ['-algorithm', 'ED25519'],
} as const;

export type KeyKind = keyof typeof keyOptions;

/** Makes a certificate as a company's own tools do: several names in the subject, signed by another one or by itself. */
export function makeForeign(options: {
  readonly name: string;
  readonly key?: KeyKind;
  readonly issuer?: ForeignCertificate;
  readonly days?: number;
  readonly isAuthority?: boolean;
  /** Without a subject key identifier. */
  readonly isAnonymous?: boolean;
}): ForeignCertificate {
  const { name, key = 'P-256', issuer, days = 30, isAuthority = true, isAnonymous = false } = options;
  const folder = mkdtempSync(path.join(tmpdir(), 'sidecar-injector-foreign-'));
  const file = (one: string): string => path.join(folder, one);
  const openssl = (...words: readonly string[]): string =>
    execFileSync('openssl', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const privateKey = openssl('genpkey', ...keyOptions[key]);
    writeFileSync(file('key'), privateKey);
    openssl('req', '-new', '-key', file('key'), '-subj', `/C=DE/O=Example GmbH/CN=${name}`, '-out', file('request'));
    const extensions = [
      `basicConstraints=critical,CA:${isAuthority ? 'TRUE' : 'FALSE'}`,
      `keyUsage=critical,${isAuthority ? 'keyCertSign,cRLSign' : 'digitalSignature'}`,
      `subjectKeyIdentifier=${isAnonymous ? 'none' : 'hash'}`,
    ];
    writeFileSync(file('extensions'), extensions.join('\n'));
    const common = ['x509', '-req', '-in', file('request'), '-days', String(days), '-extfile', file('extensions')];
    if (issuer === undefined) return { certificate: openssl(...common, '-signkey', file('key')), privateKey };
    writeFileSync(file('issuer'), issuer.certificate);
    writeFileSync(file('issuer-key'), issuer.privateKey);
    const signing = ['-CA', file('issuer'), '-CAkey', file('issuer-key'), '-CAcreateserial'];
    return { certificate: openssl(...common, ...signing), privateKey };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Values of a Secret as Istio's documentation has them: the chain ends with the root. */
export function istioValues(
  own: ForeignCertificate,
  ...above: readonly ForeignCertificate[]
): Readonly<Record<string, string>> {
  const certificates = above.map(({ certificate }) => certificate);
  return {
    'ca-cert.pem': own.certificate,
    'ca-key.pem': own.privateKey,
    'cert-chain.pem': [own.certificate, ...certificates].join(''),
    'root-cert.pem': certificates.at(-1) ?? own.certificate,
  };
}

/** Values of a Secret as cert-manager writes them: what is between the certificate and the root stands behind it. */
export function certManagerValues(
  own: ForeignCertificate,
  ...above: readonly ForeignCertificate[]
): Readonly<Record<string, string>> {
  const certificates = above.map(({ certificate }) => certificate);
  return {
    'tls.crt': [own.certificate, ...certificates.slice(0, -1)].join(''),
    'tls.key': own.privateKey,
    'ca.crt': certificates.at(-1) ?? own.certificate,
  };
}
