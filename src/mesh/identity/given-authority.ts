import { readAuthority, type MeshAuthority } from './mesh-authority.ts';

/** Keys of a Secret as Istio names them, and as cert-manager and `kubectl create secret tls` do. */
const namings = [
  { certificate: 'ca-cert.pem', privateKey: 'ca-key.pem', chain: 'cert-chain.pem', roots: 'root-cert.pem' },
  { certificate: 'tls.crt', privateKey: 'tls.key', chain: undefined, roots: 'ca.crt' },
] as const;

/**
 * Reads the authority that somebody gives in a Secret; undefined if it has none of the keys. Throws a sentence without anything of
 * the key if it is of no use now.
 */
export function readGivenAuthority(data: ReadonlyMap<string, string>, now: Date): MeshAuthority | undefined {
  const textOf = (name: string | undefined): string => (name === undefined ? '' : (data.get(name)?.trim() ?? ''));
  const found = namings.filter(({ certificate, privateKey }) => textOf(certificate) + textOf(privateKey) !== '');
  const [naming, another] = found;
  if (naming === undefined) return undefined;
  if (another !== undefined) {
    throw new Error(`it has both ${naming.certificate} and ${another.certificate}: remove one of the two pairs`);
  }
  const named = (name: string | undefined) => ({ name: name ?? '', text: textOf(name) });
  const authority = readAuthority({
    certificate: named(naming.certificate),
    privateKey: named(naming.privateKey),
    chain: named(naming.chain),
    roots: named(naming.roots),
  });
  const { notBeforeMs, notAfterMs } = authority;
  if (notAfterMs <= now.getTime()) {
    throw new Error(`${naming.certificate} or its chain has expired on ${new Date(notAfterMs).toISOString()}`);
  }
  if (notBeforeMs > now.getTime()) {
    throw new Error(`${naming.certificate} or its chain is not valid before ${new Date(notBeforeMs).toISOString()}`);
  }
  return authority;
}
