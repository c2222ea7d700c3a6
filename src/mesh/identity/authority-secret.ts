import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { KeyedCertificate } from '../../certs/authority.ts';
import { createEllipticAuthority } from '../../certs/elliptic-certificate.ts';
import type { CaStore, StoredCa } from '../../certs/stores.ts';

const keys = { certificate: 'ca.crt', privateKey: 'ca.key' } as const;

/** Other keys of the Secret stay as they are. */
function withAuthority(data: ReadonlyMap<string, string>, authority: KeyedCertificate): ReadonlyMap<string, string> {
  return new Map([...data, [keys.certificate, authority.certificate], [keys.privateKey, authority.privateKey]]);
}

/** Times that a compare-and-swap is tried while other replicas do the same. */
const mostAttempts = 5;

/** Reads a certificate or key. What OpenSSL says of a text that is neither helps nobody, and may quote it. */
function parse<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Returns what is wrong with the key of an authority. */
function keyProblem(key: KeyObject | undefined, certificate: X509Certificate): string | undefined {
  if (key === undefined) return `${keys.privateKey} is no unencrypted private key in PEM`;
  if (!certificate.checkPrivateKey(key)) return `${keys.privateKey} does not belong to ${keys.certificate}`;
  const isP256 = key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  return isP256 ? undefined : `${keys.privateKey} is no key on the curve P-256, which certificates of the mesh have`;
}

/** Returns what is wrong with the certificate of an authority. */
function certificateProblem(certificate: X509Certificate, now: Date): string | undefined {
  if (!certificate.ca) return `${keys.certificate} is not that of an authority (CA:TRUE is missing)`;
  const { validToDate } = certificate;
  return validToDate > now ? undefined : `${keys.certificate} has expired on ${validToDate.toISOString()}`;
}

/**
 * Reads an authority out of the data of its Secret; undefined if nobody has filled it yet. The certificate is returned alone, whatever
 * else stands in its text: it is given to everybody. Throws a sentence without anything of the key.
 */
function readAuthority(secret: string, { data }: StoredCa, now: Date): KeyedCertificate | undefined {
  const text = data.get(keys.certificate)?.trim() ?? '';
  const privateKey = data.get(keys.privateKey)?.trim() ?? '';
  if (text === '' && privateKey === '') return undefined;
  const remedy = 'put back what was there, or remove both keys to have a new authority made';
  const refuse = (problem: string): Error => new Error(`the Secret ${secret}: ${problem}; ${remedy}`);
  if (text === '' || privateKey === '') throw refuse(`it must have both ${keys.certificate} and ${keys.privateKey}`);
  const certificate = parse(() => new X509Certificate(text));
  if (certificate === undefined || text.split('-----BEGIN CERTIFICATE-----').length !== 2) {
    throw refuse(`${keys.certificate} is not one certificate in PEM`);
  }
  const key = parse(() => createPrivateKey(privateKey));
  const problem = certificateProblem(certificate, now) ?? keyProblem(key, certificate);
  if (problem !== undefined) throw refuse(problem);
  return { certificate: certificate.toString(), privateKey };
}

function missing(secret: string): Error {
  return new Error(`the Secret ${secret} does not exist: apply the manifest that holds it`);
}

/**
 * Returns the authority in a Secret that all replicas share. Whoever comes first fills the empty Secret; nobody creates it.
 * Throws if the Secret does not exist, cannot be read, or holds something else than an authority.
 */
export async function ensureAuthority(
  store: CaStore,
  options: { readonly secret: string; readonly name: string; readonly lifetimeMs: number; readonly clock: () => Date },
): Promise<KeyedCertificate> {
  const { secret, name, lifetimeMs, clock } = options;
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const stored = await store.read();
    if (stored === undefined) throw missing(secret);
    const authority = readAuthority(secret, stored, clock());
    if (authority !== undefined) return authority;
    const fresh = createEllipticAuthority({ name, now: clock(), lifetimeMs });
    if ((await store.fill(withAuthority(stored.data, fresh), stored.resourceVersion)) === 'written') return fresh;
  }
  throw new Error(`the Secret ${secret} could not be filled: others change it all the time`);
}

/** Throws if a Secret no longer holds the authority that was read from it, or cannot be read. */
export async function checkAuthority(
  store: Pick<CaStore, 'read'>,
  options: { readonly secret: string; readonly authority: KeyedCertificate; readonly now: Date },
): Promise<void> {
  const { secret, authority, now } = options;
  const stored = await store.read();
  if (stored === undefined) throw missing(secret);
  if (readAuthority(secret, stored, now)?.certificate === authority.certificate) return;
  throw new Error(
    `the Secret ${secret} holds another authority than this replica uses: put back what was there, or restart all replicas and replace all pods of the mesh`,
  );
}
