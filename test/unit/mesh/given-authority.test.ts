import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { createEllipticAuthority, createLeafIssuer } from '../../../src/certs/elliptic-certificate.ts';
import { readGivenAuthority } from '../../../src/mesh/identity/given-authority.ts';
import { certManagerValues, istioValues, makeForeign, type KeyKind } from '../../support/mesh/foreign-authorities.ts';

const dayMs = 24 * 60 * 60 * 1000;
/** After all certificates of this test have become valid. */
const now = new Date(Date.now() + 60_000);
const root = makeForeign({ name: 'Root', days: 90 });
const between = makeForeign({ name: 'Between', issuer: root, days: 60 });
const own = makeForeign({ name: 'Mesh', issuer: between });
const read = (values: Readonly<Record<string, string>>, at = now) =>
  readGivenAuthority(new Map(Object.entries(values)), at);
const same = (pem: string): string => new X509Certificate(pem).toString();

describe('an authority is read', () => {
  test.each([
    ['as Istio names it', istioValues(own, between, root)],
    ['as cert-manager writes it', certManagerValues(own, between, root)],
    [
      'with a root behind its chain, and everything twice',
      {
        ...certManagerValues(own, between, root),
        'tls.crt': [own, between, root, between].map(({ certificate }) => certificate).join('\n# text\n'),
      },
    ],
  ])('%s', (_, values) => {
    expect(read(values)).toMatchObject({
      certificate: same(own.certificate),
      chain: [same(own.certificate), same(between.certificate)],
      roots: [same(root.certificate)],
      anchor: same(root.certificate),
      notAfterMs: new X509Certificate(own.certificate).validToDate.getTime(),
    });
  });

  test('that is a root itself, with its certificate alone', () => {
    expect(read({ 'tls.crt': root.certificate, 'tls.key': root.privateKey })).toMatchObject({
      chain: [],
      roots: [same(root.certificate)],
      anchor: same(root.certificate),
    });
  });

  test('with other roots beside its own', () => {
    const other = makeForeign({ name: 'Other' });
    const values = { ...istioValues(own, between, root), 'root-cert.pem': other.certificate + root.certificate };
    expect(read(values)).toMatchObject({
      roots: [same(other.certificate), same(root.certificate)],
      anchor: same(root.certificate),
    });
  });

  test('of none of the keys, or of empty ones, is none', () => {
    expect(read({ note: 'mine', 'tls.crt': ' ' })).toBeUndefined();
  });
});

describe('a certificate that it signs is verified by its own', () => {
  test.each<[KeyKind, boolean]>([
    ['P-256', false],
    ['P-256', true],
    ['P-384', false],
    ['RSA', false],
  ])('with a key of the kind %s; without a key identifier: %s', (key, isAnonymous) => {
    const signer = makeForeign({ name: 'Signer, with "quotes"', key, issuer: root, isAnonymous });
    const leaf = new X509Certificate(
      createLeafIssuer(signer).issue({ names: { uris: ['spiffe://x'] }, now, lifetimeMs: dayMs }).certificate,
    );
    const ca = new X509Certificate(signer.certificate);
    expect(leaf.checkIssued(ca)).toBe(true);
    expect(leaf.verify(ca.publicKey)).toBe(true);
    expect(leaf.issuer).toBe(ca.subject);
  });
});

const values = istioValues(own, between, root);

describe('is refused', () => {
  const short = makeForeign({ name: 'Short', issuer: root, days: 1 });
  const leaf = makeForeign({ name: 'Leaf', issuer: root, isAuthority: false });
  const weak = makeForeign({ name: 'Weak', issuer: root, key: 'RSA-1024' });
  const odd = makeForeign({ name: 'Odd', issuer: root, key: 'Ed25519' });
  const later = new Date(now.getTime() + 2 * dayMs);
  test.each<[string, Readonly<Record<string, string>>, string, Date?]>([
    [
      'garbage',
      { ...values, 'ca-cert.pem': 'garbage' },
      'ca-cert.pem holds no certificates in PEM: no PEM certificate found',
    ],
    ['a key that is none', { ...values, 'ca-key.pem': 'garbage' }, 'ca-key.pem is no unencrypted private key in PEM'],
    ['a certificate alone', { 'tls.crt': own.certificate }, 'it must have both tls.crt and tls.key'],
    ['a key alone', { 'tls.key': own.privateKey }, 'it must have both tls.crt and tls.key'],
    [
      'the key of another',
      { ...values, 'ca-key.pem': between.privateKey },
      'ca-key.pem does not belong to ca-cert.pem',
    ],
    [
      'both namings',
      { ...values, ...certManagerValues(own, between, root) },
      'it has both ca-cert.pem and tls.crt: remove one of the two pairs',
    ],
    ['a leaf', istioValues(leaf, root), 'ca-cert.pem is not that of an authority (CA:TRUE is missing)'],
    [
      'a short RSA key',
      istioValues(weak, root),
      'ca-key.pem must be an RSA key of 2048 bits or more, or one on the curve P-256, P-384 or P-521',
    ],
    ['a key of another kind', istioValues(odd, root), 'ca-key.pem must be an RSA key of 2048 bits'],
    [
      'an intermediate without a root',
      { 'tls.crt': own.certificate, 'tls.key': own.privateKey },
      'ca.crt must have the root certificate, because tls.crt is none',
    ],
    [
      'a chain with a gap',
      { ...values, 'cert-chain.pem': '' },
      'ca-cert.pem and what follows it lead to no certificate of root-cert.pem',
    ],
    [
      'another root',
      { ...values, 'root-cert.pem': makeForeign({ name: 'Other' }).certificate },
      'lead to no certificate of root-cert.pem',
    ],
    [
      'an intermediate as a root',
      { ...values, 'root-cert.pem': between.certificate },
      "root-cert.pem must have root certificates only, and 'C=DE, O=Example GmbH, CN=Between' is none",
    ],
    ['one that has expired', istioValues(short, root), 'ca-cert.pem or its chain has expired on', later],
    [
      'one that is not valid yet',
      values,
      'ca-cert.pem or its chain is not valid before',
      new Date(now.getTime() - dayMs),
    ],
  ])('%s', (_, data, why, at = now) => {
    expect(() => read(data, at)).toThrow(why);
    expect(() => read(data, at)).not.toThrow(/PRIVATE|garbage/);
  });

  test('a long list of roots, which every proxy would get', () => {
    const roots = Array.from(
      { length: 17 },
      () => createEllipticAuthority({ name: 'root', now, lifetimeMs: dayMs }).certificate,
    );
    expect(() => read({ ...values, 'root-cert.pem': roots.join('') })).toThrow(
      'root-cert.pem has 17 certificates, more than 16',
    );
  });
});
