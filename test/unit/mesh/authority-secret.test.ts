import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createAuthority } from '../../../src/certs/authority.ts';
import { createEllipticAuthority, createLeafIssuer } from '../../../src/certs/elliptic-certificate.ts';
import type { CaStore } from '../../../src/certs/stores.ts';
import { checkAuthority, ensureAuthority } from '../../../src/mesh/identity/authority-secret.ts';

const now = new Date('2026-06-01T12:00:00Z');
const hourMs = 60 * 60 * 1000;
const secret = 'mesh-root';
const options = { secret, name: 'mesh', lifetimeMs: hourMs, clock: () => now };
const authorityOf = (lifetimeMs = hourMs) => createEllipticAuthority({ name: 'mesh', now, lifetimeMs });
const authority = authorityOf();

/** A Secret that replicas share; `data` is undefined if there is none. */
function storeOf(data: Record<string, string> | undefined) {
  let content = data === undefined ? undefined : new Map(Object.entries(data));
  let version = 1;
  const store: CaStore = {
    read: () =>
      Promise.resolve(content === undefined ? undefined : { data: content, resourceVersion: String(version) }),
    fill(filled, resourceVersion) {
      if (resourceVersion !== String(version)) return Promise.resolve('conflict');
      content = new Map(filled);
      version += 1;
      return Promise.resolve('written');
    },
  };
  return { store, data: () => Object.fromEntries(content ?? []), put: (next: typeof content) => (content = next) };
}

const pairOf = ({ certificate, privateKey } = authority) => ({ 'ca.crt': certificate, 'ca.key': privateKey });

describe('an authority in a Secret', () => {
  test('is made by one of several replicas that start at once, and used by all', async () => {
    const shared = storeOf({ note: 'mine' });
    const all = await Promise.all(Array.from({ length: 4 }, () => ensureAuthority(shared.store, options)));
    expect(new Set(all.map(({ certificate }) => certificate))).toHaveProperty('size', 1);
    expect(shared.data()).toEqual({ note: 'mine', ...pairOf(all[0]) });
  });

  test('is made where both keys are empty', async () => {
    const shared = storeOf({ 'ca.crt': '', 'ca.key': '\n' });
    expect(await ensureAuthority(shared.store, options)).toEqual({
      certificate: shared.data()['ca.crt'],
      privateKey: shared.data()['ca.key'],
    });
  });

  test('is given on without whatever else stands beside its certificate', async () => {
    const text = `# of mine\n${authority.privateKey}${authority.certificate}`;
    const { store } = storeOf({ ...pairOf(), 'ca.crt': text });
    expect((await ensureAuthority(store, options)).certificate).toBe(authority.certificate);
  });
});

const leaf = createLeafIssuer(authority).issue({ names: { uris: ['spiffe://x'] }, now, lifetimeMs: hourMs });
const rsa = await createAuthority({ now, lifetimeMs: hourMs });
const encrypted = generateKeyPairSync('ec', {
  namedCurve: 'prime256v1',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'p' },
});

describe('a Secret is refused', () => {
  test.each<[string, Record<string, string> | undefined, string]>([
    ['that does not exist', undefined, 'does not exist: apply the manifest that holds it'],
    ['with half of the pair', { 'ca.crt': authority.certificate }, 'must have both ca.crt and ca.key'],
    ['with the other half', { 'ca.key': authority.privateKey }, 'must have both ca.crt and ca.key'],
    ['with anything for a certificate', { ...pairOf(), 'ca.crt': 'garbage' }, 'ca.crt is not one certificate in PEM'],
    ['with two', { ...pairOf(), 'ca.crt': authority.certificate.repeat(2) }, 'ca.crt is not one certificate in PEM'],
    ['with anything for a key', { ...pairOf(), 'ca.key': 'garbage' }, 'ca.key is no unencrypted private key in PEM'],
    ['with a key in cipher', { ...pairOf(), 'ca.key': encrypted.privateKey }, 'ca.key is no unencrypted private key'],
    [
      'with the key of another',
      { ...pairOf(), 'ca.key': authorityOf().privateKey },
      'ca.key does not belong to ca.crt',
    ],
    ['with an RSA key', pairOf(rsa), 'ca.key is no key on the curve P-256'],
    ['with a leaf', pairOf(leaf), 'ca.crt is not that of an authority (CA:TRUE is missing)'],
    ['that has expired', pairOf(authorityOf(-1)), 'ca.crt has expired on 2026-06-01T11:59:59.000Z'],
  ])('%s', async (_, data, why) => {
    const { store } = storeOf(data);
    const refused = ensureAuthority(store, options);
    await expect(refused).rejects.toThrow(why);
    await expect(refused).rejects.toThrow('the Secret mesh-root');
    await expect(refused).rejects.not.toThrow(/PRIVATE|garbage/);
  });

  test('if others change it all the time', async () => {
    const { store } = storeOf({});
    const busy: CaStore = { ...store, fill: () => Promise.resolve('conflict') };
    await expect(ensureAuthority(busy, options)).rejects.toThrow('others change it all the time');
  });
});

test('that the Secret is changed, emptied or deleted under a replica is noticed', async () => {
  const shared = storeOf(pairOf());
  const check = () => checkAuthority(shared.store, { secret, authority, now });
  await expect(check()).resolves.toBeUndefined();
  for (const data of [pairOf(authorityOf()), {}]) {
    shared.put(new Map(Object.entries(data)));
    await expect(check()).rejects.toThrow('the Secret mesh-root holds another authority than this replica uses');
  }
  shared.put(undefined);
  await expect(check()).rejects.toThrow('does not exist');
});
