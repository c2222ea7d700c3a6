import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import forge from 'node-forge';
import { caBackdateMs, leafBackdateMs, newSerial, type KeyedCertificate } from './authority.ts';

/*
 * Certificates with P-256 keys, for identities of a mesh: a key and its signature take a quarter of a millisecond, an RSA key some
 * hundred. node-forge cannot hold such keys, but its DER writer can write any certificate (RFC 5280). OpenSSL signs and verifies.
 */

const { asn1 } = forge;
const { Class, Type } = asn1;

type Node = forge.asn1.Asn1;

const oids = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  sha256WithRsaEncryption: '1.2.840.113549.1.1.11',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/**
 * The content of the object identifier 2.25.UUID for the UUID 6f0a3c1e-6d0b-4c57-9a5e-5b5d7a0e4f21, in base 128 (X.690 section 8.19).
 * node-forge cannot encode numbers of that size.
 */
const noteTypeHex = '6981de8a9e87cdd0dab1af9aaf96ebd7d0b99e21';
const noteType = binary(Buffer.from(noteTypeHex, 'hex'));

const constructed = (type: forge.asn1.Type, items: readonly Node[]): Node =>
  asn1.create(Class.UNIVERSAL, type, true, [...items]);
const sequence = (...items: readonly Node[]): Node => constructed(Type.SEQUENCE, items);
const primitive = (type: forge.asn1.Type, bytes: string): Node => asn1.create(Class.UNIVERSAL, type, false, bytes);
const oid = (id: string): Node => primitive(Type.OID, asn1.oidToDer(id).getBytes());
const context = (tag: number, isConstructed: boolean, value: string | Node[]): Node =>
  asn1.create(Class.CONTEXT_SPECIFIC, tag, isConstructed, value);

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** UTCTime until 2049, GeneralizedTime from 2050 on (RFC 5280 section 4.1.2.5). */
function time(date: Date): Node {
  return date.getUTCFullYear() < 2050
    ? primitive(Type.UTCTIME, asn1.dateToUtcTime(date))
    : primitive(Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
}

function nameOf(commonName: string): Node {
  if (commonName === '') return sequence();
  return sequence(constructed(Type.SET, [sequence(oid(oids.commonName), primitive(Type.UTF8, commonName))]));
}

function extension(id: string, isCritical: boolean, value: Node): Node {
  const octets = primitive(Type.OCTETSTRING, asn1.toDer(value).getBytes());
  return sequence(oid(id), ...(isCritical ? [primitive(Type.BOOLEAN, '\u00ff')] : []), octets);
}

/** The named bits of KeyUsage that are used here (RFC 5280 section 4.2.1.3): the count of unused bits, then the bits. */
const keyUsages = { digitalSignature: '\u0007\u0080', certificateSigning: '\u0002\u0004' } as const;

/** SHA-1 of the public key's bits (RFC 5280 section 4.2.1.2); an identifier, not a proof. */
function keyIdentifier(publicKeyDer: Buffer): string {
  // The last 65 bytes of a P-256 SubjectPublicKeyInfo are the point.
  return binary(createHash('sha1').update(publicKeyDer.subarray(-65)).digest());
}

/** Alternative names of a leaf. */
export interface Names {
  readonly uris?: readonly string[];
  /** What else is said of the holder: a name of a kind that no verifier compares. */
  readonly note?: string;
  readonly dns?: readonly string[];
  /** IP addresses. */
  readonly ips?: readonly string[];
}

interface Wanted {
  readonly subject: string;
  /** A Name (RFC 5280 section 4.1.2.4). */
  readonly issuer: Node;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKey: Buffer;
  /** Undefined if the issuer's certificate states none. */
  readonly issuerKeyIdentifier: string | undefined;
  readonly isAuthority: boolean;
  readonly names: Names;
}

/** The 4 or 16 bytes of an address. node-forge's types lack the function. */
function addressBytes(ip: string): string {
  return (forge.util as unknown as { bytesFromIP(ip: string): string }).bytesFromIP(ip);
}

/**
 * Returns the `otherName` (RFC 5280 section 4.2.1.6) of a note. Its type is an object identifier that nobody else uses: one of the arc of UUIDs (ITU-T X.667).
 */
function noteOf(text: string): Node {
  return context(0, true, [
    primitive(Type.OID, noteType),
    context(0, true, [primitive(Type.UTF8, forge.util.encodeUtf8(text))]),
  ]);
}

function extensionsOf({ isAuthority, names, publicKey, issuerKeyIdentifier, subject }: Wanted): readonly Node[] {
  // Tags of GeneralName (RFC 5280 section 4.2.1.6).
  const alternatives = [
    ...(names.uris ?? []).map((uri) => context(6, false, uri)),
    ...(names.note === undefined ? [] : [noteOf(names.note)]),
    ...(names.dns ?? []).map((name) => context(2, false, name)),
    ...(names.ips ?? []).map((ip) => context(7, false, addressBytes(ip))),
  ];
  return [
    // Path length 0: this authority signs leaves only.
    extension(
      oids.basicConstraints,
      true,
      isAuthority ? sequence(primitive(Type.BOOLEAN, '\u00ff'), primitive(Type.INTEGER, '\0')) : sequence(),
    ),
    extension(
      oids.keyUsage,
      true,
      primitive(Type.BITSTRING, isAuthority ? keyUsages.certificateSigning : keyUsages.digitalSignature),
    ),
    ...(isAuthority ? [] : [extension(oids.extKeyUsage, false, sequence(oid(oids.serverAuth), oid(oids.clientAuth)))]),
    extension(oids.subjectKeyIdentifier, false, primitive(Type.OCTETSTRING, keyIdentifier(publicKey))),
    ...(issuerKeyIdentifier === undefined
      ? []
      : [extension(oids.authorityKeyIdentifier, false, sequence(context(0, false, issuerKeyIdentifier)))]),
    // Critical if there is no subject beside it (RFC 5280 section 4.2.1.6), as SPIFFE wants it.
    ...(alternatives.length === 0 ? [] : [extension(oids.subjectAltName, subject === '', sequence(...alternatives))]),
  ];
}

/** Curves that proxies verify. */
const curves: ReadonlySet<string | undefined> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** Bits of an RSA key that proxies accept at least. */
const fewestRsaBits = 2_048;

/** Returns whether certificates can be signed with a key: RSA from 2048 bits on, or P-256, P-384, P-521. */
export function canSign({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType === 'rsa') return (asymmetricKeyDetails?.modulusLength ?? 0) >= fewestRsaBits;
  return curves.has(asymmetricKeyDetails?.namedCurve);
}

/** Returns the AlgorithmIdentifier of signatures by a key (RFC 5758 section 3.2, RFC 4055 section 5). */
function algorithmOf({ asymmetricKeyType }: KeyObject): Node {
  return asymmetricKeyType === 'rsa'
    ? sequence(oid(oids.sha256WithRsaEncryption), primitive(Type.NULL, ''))
    : sequence(oid(oids.ecdsaWithSha256));
}

function signed(wanted: Wanted, signingKey: KeyObject): string {
  const algorithm = algorithmOf(signingKey);
  const toBeSigned = sequence(
    context(0, true, [primitive(Type.INTEGER, '\u0002')]),
    primitive(Type.INTEGER, forge.util.hexToBytes(newSerial())),
    algorithm,
    wanted.issuer,
    sequence(time(wanted.notBefore), time(wanted.notAfter)),
    nameOf(wanted.subject),
    asn1.fromDer(forge.util.createBuffer(binary(wanted.publicKey))),
    context(3, true, [sequence(...extensionsOf(wanted))]),
  );
  const bytes = Buffer.from(asn1.toDer(toBeSigned).getBytes(), 'latin1');
  const signature = sign('sha256', bytes, signingKey);
  const certificate = sequence(toBeSigned, algorithm, primitive(Type.BITSTRING, `\0${binary(signature)}`));
  const der = Buffer.from(asn1.toDer(certificate).getBytes(), 'latin1');
  return new X509Certificate(der).toString();
}

function newKeys(): { readonly publicKey: Buffer; readonly privateKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/**
 * Creates an authority that can sign only leaves. Its subject is unique, so that a verifier never confuses two generations.
 */
export function createEllipticAuthority(options: {
  readonly name: string;
  readonly now: Date;
  readonly lifetimeMs: number;
}): KeyedCertificate {
  const { publicKey, privateKey } = newKeys();
  const subject = `${options.name}-${randomBytes(4).toString('hex')}`;
  const certificate = signed(
    {
      subject,
      issuer: nameOf(subject),
      notBefore: new Date(options.now.getTime() - caBackdateMs),
      notAfter: new Date(options.now.getTime() + options.lifetimeMs),
      publicKey,
      issuerKeyIdentifier: keyIdentifier(publicKey),
      isAuthority: true,
      names: {},
    },
    createPrivateKey(privateKey),
  );
  const x509 = new X509Certificate(certificate);
  if (!x509.ca || !x509.verify(x509.publicKey)) throw new Error('the new CA does not verify its own signature');
  return { certificate, privateKey };
}

/** Signs leaves of one authority. */
export interface LeafIssuer {
  /**
   * Issues a leaf with a new key, for servers and clients. It never outlives its authority. Throws if that has expired.
   */
  issue(options: { readonly names: Names; readonly now: Date; readonly lifetimeMs: number }): KeyedCertificate & {
    readonly notBefore: Date;
    readonly notAfter: Date;
  };
}

/** Tag of the extensions in a TBSCertificate (RFC 5280 section 4.1). */
const extensionsTag = 3;

/** Returns the parts of a certificate that those it signs repeat: its subject, and its key identifier if it states one. */
function issuerParts(certificate: X509Certificate): Pick<Wanted, 'issuer' | 'issuerKeyIdentifier'> {
  const [toBeSigned] = partsOf(asn1.fromDer(forge.util.createBuffer(binary(certificate.raw))));
  const fields = toBeSigned === undefined ? [] : partsOf(toBeSigned);
  // Version, serial number, algorithm, issuer and validity come first (RFC 5280 section 4.1): an authority has version 3.
  const issuer = fields[5];
  if (issuer === undefined) throw new Error('the CA certificate has no subject');
  const extensions = fields.find(
    ({ tagClass, type }) => tagClass === Class.CONTEXT_SPECIFIC && tagOf(type) === extensionsTag,
  );
  const all = extensions === undefined ? [] : partsOf(extensions).flatMap(partsOf).map(partsOf);
  const own = all.find(([id]) => id?.value === asn1.oidToDer(oids.subjectKeyIdentifier).getBytes())?.at(-1)?.value;
  const octets = typeof own === 'string' ? asn1.fromDer(forge.util.createBuffer(own)).value : undefined;
  return { issuer, issuerKeyIdentifier: typeof octets === 'string' ? octets : undefined };
}

/** Tags of a context are numbers, and not types. */
const tagOf = (type: number): number => type;

function partsOf({ value }: Node): readonly Node[] {
  return typeof value === 'string' ? [] : value;
}

/** Reads the authority once. Throws if its certificate and key do not match, or nothing can be signed with its key. */
export function createLeafIssuer(authority: KeyedCertificate): LeafIssuer {
  const ca = new X509Certificate(authority.certificate);
  const key = createPrivateKey(authority.privateKey);
  if (!ca.checkPrivateKey(key)) throw new Error('the CA certificate and the CA key do not belong together');
  if (!canSign(key)) throw new Error("the CA's key is neither RSA nor on the curve P-256, P-384 or P-521");
  const parts = issuerParts(ca);
  return {
    issue({ names, now, lifetimeMs }) {
      const end = ca.validToDate.getTime();
      if (end <= now.getTime()) throw new Error(`the CA expired on ${ca.validToDate.toISOString()}`);
      const { publicKey, privateKey } = newKeys();
      const certificate = signed(
        {
          ...parts,
          subject: '',
          notBefore: new Date(now.getTime() - leafBackdateMs),
          notAfter: new Date(Math.min(now.getTime() + lifetimeMs, end)),
          publicKey,
          isAuthority: false,
          names,
        },
        key,
      );
      const leaf = new X509Certificate(certificate);
      if (!leaf.verify(ca.publicKey)) throw new Error('the new leaf does not verify with its CA');
      return { certificate, privateKey, notBefore: leaf.validFromDate, notAfter: leaf.validToDate };
    },
  };
}
