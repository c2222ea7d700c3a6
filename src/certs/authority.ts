import { createPrivateKey, generateKeyPair, randomBytes, sign as signNatively, X509Certificate } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { minuteMs } from './durations.ts';

/** A certificate and its key, both PEM. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** What a leaf is valid for. */
export interface SubjectNames {
  readonly dns: readonly string[];
  readonly ips: readonly string[];
}

/** Another replica's, or the API server's, clock may be behind ours; a CA is checked by all of them. */
export const caBackdateMs = 60 * minuteMs;
export const leafBackdateMs = 5 * minuteMs;

/** Every CA that is made here has a common name that begins like this. */
export const authorityName = 'sidecar-injector-ca-';

const generateRsa = promisify(generateKeyPair);

/** Names under which an API server calls a Service. It verifies the first; people and probes use the others. */
export function serviceNames(service: string, namespace: string): SubjectNames {
  const name = `${service}.${namespace}`;
  return { dns: [`${name}.svc`, `${name}.svc.cluster.local`, name], ips: [] };
}

/** Names of the own machine, for development. */
export const localNames: SubjectNames = { dns: ['localhost'], ips: ['127.0.0.1', '::1'] };

/**
 * Makes a CA that signs leaves and nothing else (RFC 5280, 4.2.1.9 path length 0). Each has a subject of its own, so
 * that a verifier never mixes up two generations in one bundle.
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
 * Signs a server certificate with a fresh key. It is checked with OpenSSL's eyes before it is returned, and never
 * outlives its CA. Throws when the CA is expired or its certificate and key do not belong together.
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

/** Forge assembles what we serve; node's own X.509 has the last word on it. */
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

/** RSA, because forge knows no elliptic curves; by node's generator, off the event loop (forge's takes seconds). */
async function newKeys(): Promise<{ readonly publicKey: string; readonly privateKey: string }> {
  return generateRsa('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/** 128 bits, positive and never short (RFC 5280, 4.1.2.2), as hexadecimal. */
function newSerial(): string {
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

/** Forge's own RSA is plain JavaScript and blocks the event loop for some 30 ms; OpenSSL signs in one. */
function sign(certificate: forge.pki.Certificate, privateKeyPem: string): string {
  const key = forge.pki.privateKeyFromPem(privateKeyPem);
  key.sign = () => {
    const toBeSigned = Buffer.from(forge.asn1.toDer(certificate.tbsCertificate).getBytes(), 'binary');
    return signNatively('sha256', toBeSigned, privateKeyPem).toString('binary');
  };
  certificate.sign(key, forge.md.sha256.create());
  // Node's own PEM, so that the text stays the same after it was stored and read again.
  return new X509Certificate(forge.pki.certificateToPem(certificate)).toString();
}

/** What the CA calls its key; a CA that was not made here may have derived the identifier in another way. */
function keyIdentifierOf(ca: forge.pki.Certificate): string {
  const extension: unknown = ca.getExtension('subjectKeyIdentifier');
  const named = typeof extension === 'object' && extension !== null && 'subjectKeyIdentifier' in extension;
  if (named && typeof extension.subjectKeyIdentifier === 'string') {
    return forge.util.hexToBytes(extension.subjectKeyIdentifier);
  }
  return ca.generateSubjectKeyIdentifier().getBytes();
}

function alternativeNames(names: SubjectNames): object[] {
  // Types of GeneralName, RFC 5280, 4.2.1.6.
  return [...names.dns.map((value) => ({ type: 2, value })), ...names.ips.map((ip) => ({ type: 7, ip }))];
}
