import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { KeyedCertificate } from '../../certs/authority.ts';
import { parseBundle } from '../../certs/bundle.ts';
import { canSign } from '../../certs/elliptic-certificate.ts';

/** What signs the certificates of workloads, and what they are verified with. Certificates are PEM, one in each text. */
export interface MeshAuthority {
  /** Signs: a root, or an intermediate. */
  readonly certificate: string;
  readonly privateKey: string;
  /** What a workload shows behind its own certificate: all up to the root, without it. */
  readonly chain: readonly string[];
  /** The roots that workloads are to know; `anchor` is one of them. */
  readonly roots: readonly string[];
  /** The root to which the chain leads. */
  readonly anchor: string;
  /** When certificate, chain and anchor are all valid, in milliseconds since the Unix epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Texts of an authority, with the names of the keys of a Secret that they stand under. */
export interface AuthorityTexts {
  readonly certificate: NamedText;
  readonly privateKey: NamedText;
  readonly chain: NamedText;
  readonly roots: NamedText;
}

interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** Certificates of a chain, and roots, that an authority may have: they are sent to every proxy. */
const mostCertificates = 16;

/** Returns the authority that a root of our own is. */
export function rootAuthority({ certificate, privateKey }: KeyedCertificate): MeshAuthority {
  const root = new X509Certificate(certificate);
  return authorityOf(root, privateKey, [root], [root]);
}

/** Returns whether two authorities sign and are verified in the same way. */
export function isSameAuthority(one: MeshAuthority, other: MeshAuthority): boolean {
  const textOf = ({ certificate, chain, roots }: MeshAuthority): string =>
    JSON.stringify([certificate, chain, roots.toSorted()]);
  return textOf(one) === textOf(other);
}

function authorityOf(
  certificate: X509Certificate,
  privateKey: string,
  path: readonly X509Certificate[],
  roots: readonly X509Certificate[],
): MeshAuthority {
  const known = new Set(roots.map(({ fingerprint256 }) => fingerprint256));
  const anchor = path.at(-1) ?? certificate;
  return {
    certificate: certificate.toString(),
    privateKey: privateKey.trim(),
    chain: path.filter(({ fingerprint256 }) => !known.has(fingerprint256)).map(String),
    roots: roots.map(String),
    anchor: anchor.toString(),
    notBeforeMs: Math.max(...path.map(({ validFromDate }) => validFromDate.getTime())),
    notAfterMs: Math.min(...path.map(({ validToDate }) => validToDate.getTime())),
  };
}

function certificatesOf({ name, text }: NamedText): readonly X509Certificate[] {
  if (text.trim() === '') return [];
  const { certificates, problem } = parseBundle(text);
  if (certificates === undefined) throw new Error(`${name} holds no certificates in PEM: ${problem}`);
  const unique = new Map(certificates.map((one) => [one.fingerprint256, one]));
  if (unique.size > mostCertificates)
    throw new Error(`${name} has ${unique.size} certificates, more than ${mostCertificates}`);
  return [...unique.values()];
}

/** Reads a key. What OpenSSL says of a text that is none helps nobody, and may quote it. */
function keyOf({ name, text }: NamedText): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    throw new Error(`${name} is no unencrypted private key in PEM`);
  }
}

function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** Returns the certificates from the first up to a root, both included; undefined if they lead to none. */
function pathTo(
  roots: readonly X509Certificate[],
  certificate: X509Certificate,
  others: readonly X509Certificate[],
): readonly X509Certificate[] | undefined {
  const path = [certificate];
  for (let last = certificate; path.length <= mostCertificates;) {
    const own = last;
    if (roots.some(({ fingerprint256 }) => fingerprint256 === own.fingerprint256)) return path;
    const issuer = [...roots, ...others].find((one) => one.fingerprint256 !== own.fingerprint256 && issued(one, own));
    if (issuer === undefined) return undefined;
    path.push(issuer);
    last = issuer;
  }
  return undefined;
}

/**
 * Reads an authority. The certificate's text may have the chain behind it; where there are no roots, a certificate that has signed
 * itself is one. Whether it is valid now is not looked at. Throws a sentence without anything of the key.
 */
export function readAuthority(texts: AuthorityTexts): MeshAuthority {
  const { certificate: own, privateKey, chain, roots } = texts;
  const [certificate, ...behind] = certificatesOf(own);
  if (certificate === undefined || privateKey.text.trim() === '') {
    throw new Error(`it must have both ${own.name} and ${privateKey.name}`);
  }
  if (!certificate.ca) throw new Error(`${own.name} is not that of an authority (CA:TRUE is missing)`);
  const key = keyOf(privateKey);
  if (!certificate.checkPrivateKey(key)) throw new Error(`${privateKey.name} does not belong to ${own.name}`);
  if (!canSign(key)) {
    throw new Error(
      `${privateKey.name} must be an RSA key of 2048 bits or more, or one on the curve P-256, P-384 or P-521`,
    );
  }
  const given = certificatesOf(roots);
  const known = given.length === 0 && issued(certificate, certificate) ? [certificate] : given;
  if (known.length === 0) throw new Error(`${roots.name} must have the root certificate, because ${own.name} is none`);
  const foreign = known.find((root) => !root.ca || !issued(root, root));
  if (foreign !== undefined) {
    throw new Error(
      `${roots.name} must have root certificates only, and '${foreign.subject.replaceAll('\n', ', ').slice(0, 100)}' is none`,
    );
  }
  const path = pathTo(known, certificate, [...behind, ...certificatesOf(chain)]);
  if (path === undefined) throw new Error(`${own.name} and what follows it lead to no certificate of ${roots.name}`);
  return authorityOf(certificate, privateKey.text, path, known);
}
