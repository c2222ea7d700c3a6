import { createPrivateKey, generateKeyPair, randomBytes, sign as signNatively, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { minuteMs } from './durations.ts';

/** A certificate and its key, both PEM. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** DNS names and IP addresses that a leaf certificate is valid for. */
export interface SubjectNames {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

/** Tolerates replicas and API servers whose clocks are behind ours; all of them check the CA. */
export const caBackdateMs = 60 * minuteMs;
/** Tolerates API servers whose clocks are behind ours. */
export const leafBackdateMs = 5 * minuteMs;

/** Prefix of the common name of every CA created here. */
export const authorityName = 'sidecar-injector-ca-';

const generateRsa = promisify(generateKeyPair);

/** DNS names of a Service. API servers verify the first, proxies the second; the others are for people and probes. */
export function serviceNames(service: string, namespace: string, clusterDomain = 'cluster.local'): SubjectNames {
  const name = `${service}.${namespace}`;
  return { dns: [`${name}.svc`, `${name}.svc.${clusterDomain}`, name], ips: [] };
}

/** Names of the local machine, for development. */
export const localNames: SubjectNames = { dns: ['localhost'], ips: ['127.0.0.1', '::1'] };

/**
 * Creates a CA that can sign only leaves (path length 0, RFC 5280 section 4.2.1.9). Each CA has a unique subject, so
 * that a verifier never confuses two generations in one bundle.
 */
export async function createAuthority(options: {
  readonly now: Date;
  readonly lifetimeMs: number;
}): Promise<KeyedCertificate> {
  const keys = await newKeys();
  const serial = newSerial();
  const certificate = startCertificate(keys.publicKey, serial, {
    notBefore: new Date(options.now.getTime() - caBackdateMs),
    notAfter: new Date(options.now.getTime() + options.lifetimeMs),
  });
  const subject = [{ name: 'commonName', value: `${authorityName}${serial.slice(0, 8)}` }];
  certificate.setSubject(subject);
  certificate.setIssuer(subject);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true },
    { name: 'subjectKeyIdentifier' },
  ]);
  const signed = { certificate: sign(certificate, keys.privateKey), privateKey: keys.privateKey };
  const x509 = new X509Certificate(signed.certificate);
  if (!x509.ca || !x509.verify(x509.publicKey)) throw new Error('the new CA does not verify its own signature');
  return signed;
}

/**
 * Signs a server certificate with a new key. The certificate never outlives its CA, and is verified by OpenSSL before
 * it is returned. Throws if the CA has expired or its certificate and key do not match.
 */
export async function issueLeaf(options: {
  readonly authority: KeyedCertificate;
  readonly names: SubjectNames;
  readonly now: Date;
  readonly lifetimeMs: number;
}): Promise<KeyedCertificate & { readonly notBefore: Date; readonly notAfter: Date }> {
  const { authority, names, now } = options;
  const ca = new X509Certificate(authority.certificate);
  if (!ca.checkPrivateKey(createPrivateKey(authority.privateKey))) {
    throw new Error('the CA certificate and the CA key do not belong together');
  }
  const caEndMs = ca.validToDate.getTime();
  if (caEndMs <= now.getTime()) throw new Error(`the CA expired on ${ca.validToDate.toISOString()}`);

  const keys = await newKeys();
  const certificate = startCertificate(keys.publicKey, newSerial(), {
    notBefore: new Date(now.getTime() - leafBackdateMs),
    notAfter: new Date(Math.min(now.getTime() + options.lifetimeMs, caEndMs)),
  });
  const issuer = forge.pki.certificateFromPem(authority.certificate);
  certificate.setSubject([{ name: 'commonName', value: 'sidecar-injector' }]);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'authorityKeyIdentifier', keyIdentifier: keyIdentifierOf(issuer) },
    { name: 'subjectKeyIdentifier' },
    { name: 'subjectAltName', altNames: alternativeNames(names) },
  ]);
  const signed = { certificate: sign(certificate, authority.privateKey), privateKey: keys.privateKey };
  const leaf = new X509Certificate(signed.certificate);
  verifyLeaf(leaf, ca, signed.privateKey, names);
  return { ...signed, notBefore: leaf.validFromDate, notAfter: leaf.validToDate };
}

/** node-forge assembles the certificate; Node's own X.509 implementation verifies it. */
function verifyLeaf(leaf: X509Certificate, ca: X509Certificate, privateKey: string, names: SubjectNames): void {
  if (!leaf.checkIssued(ca) || !leaf.verify(ca.publicKey)) throw new Error('the new leaf does not verify with its CA');
  if (!leaf.checkPrivateKey(createPrivateKey(privateKey))) throw new Error('the new leaf does not match its key');
  for (const name of names.dns) {
    if (leaf.checkHost(name) === undefined) throw new Error(`the new leaf is not valid for the name '${name}'`);
  }
  for (const ip of names.ips) {
    if (leaf.checkIP(ip) === undefined) throw new Error(`the new leaf is not valid for the address '${ip}'`);
  }
}

/**
 * RSA, because node-forge does not support elliptic curves. Generated by Node outside the event loop, because
 * node-forge takes seconds.
 */
async function newKeys(): Promise<{ readonly publicKey: string; readonly privateKey: string }> {
  return generateRsa('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/**
 * A random serial number of 16 bytes, positive and without leading zeros (RFC 5280 section 4.1.2.2), in hexadecimal.
 */
export function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

function startCertificate(
  publicKeyPem: string,
  serialNumber: string,
  validity: { readonly notBefore: Date; readonly notAfter: Date },
): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKeyPem);
  certificate.serialNumber = serialNumber;
  certificate.validity = { ...validity };
  return certificate;
}

/** Signs with OpenSSL, in about 1 ms; node-forge's RSA is JavaScript and blocks the event loop for about 30 ms. */
function sign(certificate: forge.pki.Certificate, privateKeyPem: string): string {
  const key = forge.pki.privateKeyFromPem(privateKeyPem);
  key.sign = () => {
    const toBeSigned = Buffer.from(forge.asn1.toDer(certificate.tbsCertificate).getBytes(), 'binary');
    return signNatively('sha256', toBeSigned, privateKeyPem).toString('binary');
  };
  certificate.sign(key, forge.md.sha256.create());
  // PEM as Node writes it, so that the text is the same after it was stored and read back.
  return new X509Certificate(forge.pki.certificateToPem(certificate)).toString();
}

/** The CA's subject key identifier. A CA that was not created here may have derived it differently, so it is read. */
function keyIdentifierOf(ca: forge.pki.Certificate): string {
  const extension: unknown = ca.getExtension('subjectKeyIdentifier');
  const named = typeof extension === 'object' && extension !== null && 'subjectKeyIdentifier' in extension;
  if (named && typeof extension.subjectKeyIdentifier === 'string') {
    return forge.util.hexToBytes(extension.subjectKeyIdentifier);
  }
  return ca.generateSubjectKeyIdentifier().getBytes();
}

function alternativeNames(names: SubjectNames): object[] {
  // Types of GeneralName, RFC 5280 section 4.2.1.6.
  return [...names.dns.map((value) => ({ type: 2, value })), ...names.ips.map((ip) => ({ type: 7, ip }))];
}
