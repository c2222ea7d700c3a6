import { X509Certificate } from 'node:crypto';

const certificateBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, or one sentence that says why it cannot be used. */
export type ParsedBundle =
  | { readonly certificates: readonly X509Certificate[]; readonly problem?: never }
  | { readonly certificates?: never; readonly problem: string };

/**
 * Reads every certificate of a PEM text. Text around the blocks is allowed, because openssl prints some. Without
 * certificates, or with a block that is incomplete or does not decode, the whole text is a problem; a bundle is never
 * read in part.
 */
export function parseBundle(pem: string): ParsedBundle {
  const blocks = pem.match(certificateBlock) ?? [];
  // A truncated last block would otherwise be skipped silently, and a CA would be missing.
  if (pem.split('-----BEGIN CERTIFICATE-----').length - 1 !== blocks.length) {
    return { problem: 'a PEM certificate block is unfinished or holds characters that are not base64' };
  }
  if (blocks.length === 0) return { problem: 'no PEM certificate found' };
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return { problem: `certificate ${index + 1} of ${blocks.length} does not decode as X.509` };
    }
  }
  return { certificates };
}

/** SHA-256 fingerprints of the certificates in a PEM text; empty for a text that cannot be parsed. */
export function fingerprintsOf(pem: string | undefined): ReadonlySet<string> {
  if (pem === undefined) return new Set();
  return new Set((parseBundle(pem).certificates ?? []).map((certificate) => certificate.fingerprint256));
}

/**
 * Whether two PEM texts hold the same set of certificates, regardless of order, white space and duplicates. If bundles
 * that differ only in these were overwritten, two replicas could overwrite each other forever. A text that cannot be
 * parsed is equal to no other.
 */
export function sameCertificates(left: string | undefined, right: string | undefined): boolean {
  const a = fingerprintsOf(left);
  const b = fingerprintsOf(right);
  return a.size > 0 && a.size === b.size && isSubset(a, b);
}

/** Whether the bundle contains every certificate of `wanted`, which must hold at least one. */
export function holdsCertificates(bundle: string | undefined, wanted: string): boolean {
  const needed = fingerprintsOf(wanted);
  return needed.size > 0 && isSubset(needed, fingerprintsOf(bundle));
}

/**
 * Joins PEM texts into one bundle that contains each certificate once, in order of first appearance, and no other text.
 * Throws if a text cannot be parsed.
 */
export function joinBundle(pems: readonly string[]): string {
  const blocks = new Map<string, string>();
  for (const [index, pem] of pems.entries()) {
    const { certificates, problem } = parseBundle(pem);
    if (certificates === undefined) throw new Error(`bundle part ${index + 1} of ${pems.length}: ${problem}`);
    for (const certificate of certificates) {
      if (!blocks.has(certificate.fingerprint256)) blocks.set(certificate.fingerprint256, certificate.toString());
    }
  }
  return [...blocks.values()].join('');
}

function isSubset(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return [...part].every((fingerprint) => whole.has(fingerprint));
}
