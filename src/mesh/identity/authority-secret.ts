import type { KeyedCertificate } from '../../certs/authority.ts';
import { createEllipticAuthority } from '../../certs/elliptic-certificate.ts';
import type { CaStore } from '../../certs/stores.ts';

const keys = { certificate: 'ca.crt', privateKey: 'ca.key' } as const;

/** Other keys of the Secret stay as they are. */
function withAuthority(data: ReadonlyMap<string, string>, authority: KeyedCertificate): ReadonlyMap<string, string> {
  return new Map([...data, [keys.certificate, authority.certificate], [keys.privateKey, authority.privateKey]]);
}

/** Times that a compare-and-swap is tried while other replicas do the same. */
const mostAttempts = 5;

/**
 * Returns the authority in a Secret that all replicas share. Whoever comes first fills the empty Secret; nobody creates it.
 * Throws if the Secret does not exist, has half of the pair, or cannot be read.
 */
export async function ensureAuthority(
  store: CaStore,
  options: { readonly secret: string; readonly name: string; readonly lifetimeMs: number; readonly clock: () => Date },
): Promise<KeyedCertificate> {
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const stored = await store.read();
    if (stored === undefined)
      throw new Error(`the Secret ${options.secret} does not exist: apply the manifest that holds it`);
    const certificate = stored.data.get(keys.certificate);
    const privateKey = stored.data.get(keys.privateKey);
    if (certificate !== undefined && privateKey !== undefined) return { certificate, privateKey };
    if (certificate !== undefined || privateKey !== undefined) {
      throw new Error(
        `the Secret ${options.secret} must have both ${keys.certificate} and ${keys.privateKey}, or neither`,
      );
    }
    const fresh = createEllipticAuthority({ name: options.name, now: options.clock(), lifetimeMs: options.lifetimeMs });
    if ((await store.fill(withAuthority(stored.data, fresh), stored.resourceVersion)) === 'written') return fresh;
  }
  throw new Error(`the Secret ${options.secret} could not be filled: others change it all the time`);
}
