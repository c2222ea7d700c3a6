import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { readKeySet, readToken } from '../../../src/mesh/identity/token.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const elliptic = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

const jwk = (key: KeyObject, kid: string): JsonObject => ({ ...(key.export({ format: 'jwk' }) as JsonObject), kid });
const keys = readKeySet({
  keys: [jwk(rsa.publicKey, 'rsa'), jwk(elliptic.publicKey, 'ec'), { kid: 'odd', kty: 'unheard-of' }, { kty: 'RSA' }],
});

const now = new Date('2026-06-01T12:00:00Z');
const seconds = now.getTime() / 1000;
const rules = { issuer: 'https://kubernetes.default.svc', audience: 'mesh' };
const bound: JsonObject = {
  namespace: 'shop',
  serviceaccount: { name: 'cart', uid: 's' },
  pod: { name: 'cart-1', uid: 'p' },
};
const claims: JsonObject = {
  iss: rules.issuer,
  aud: ['mesh'],
  exp: seconds + 600,
  nbf: seconds - 10,
  'kubernetes.io': bound,
};

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenOf(
  payload: object,
  { alg = 'RS256', kid = 'rsa', key = rsa.privateKey }: { alg?: string; kid?: string; key?: KeyObject } = {},
): string {
  const signed = `${encode({ alg, kid })}.${encode(payload)}`;
  const signature = sign('sha256', Buffer.from(signed), alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key);
  return `${signed}.${signature.toString('base64url')}`;
}

const read = (token: string) => readToken(token, keys, rules, now);
const caller = { namespace: 'shop', serviceAccount: 'cart', podName: 'cart-1', podUid: 'p' };

test('a bound token tells the pod', () => {
  expect(read(tokenOf(claims))).toEqual(caller);
  expect(read(tokenOf(claims, { alg: 'ES256', kid: 'ec', key: elliptic.privateKey }))).toEqual(caller);
  expect(read(tokenOf({ ...claims, aud: 'mesh' }))).toEqual(caller);
});

describe('refused is', () => {
  test.each([
    ['no token', '', 'no token'],
    ['something else', 'abc', 'no token'],
    ['four parts', `${tokenOf(claims)}.x`, 'no token'],
    ['another issuer', tokenOf({ ...claims, iss: 'https://elsewhere' }), 'another issuer'],
    ['another audience', tokenOf({ ...claims, aud: ['api'] }), 'not for the audience mesh'],
    ['no audience', tokenOf({ ...claims, aud: undefined }), 'not for the audience mesh'],
    ['an expired token', tokenOf({ ...claims, exp: seconds - 31 }), 'has expired'],
    ['a token without end', tokenOf({ ...claims, exp: undefined }), 'no expiry'],
    ['a token of the future', tokenOf({ ...claims, nbf: seconds + 31 }), 'not valid yet'],
    ['a token of no pod', tokenOf({ ...claims, 'kubernetes.io': { ...bound, pod: undefined } }), 'not bound to a pod'],
    ['a token without namespace', tokenOf({ ...claims, 'kubernetes.io': {} }), 'not bound to a pod'],
    [
      'a wrong signature',
      tokenOf(claims, { key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey }),
      'signature is wrong',
    ],
    [
      'an elliptic key by the algorithm of others',
      tokenOf(claims, { kid: 'ec', key: elliptic.privateKey }),
      'algorithm',
    ],
    ['an RSA key by the algorithm of others', tokenOf(claims, { alg: 'ES256' }), 'algorithm'],
    ['a signature of nothing', `${tokenOf(claims).replace(/[^.]+$/, '')}AA`, 'signature is wrong'],
    [
      'changed claims',
      tokenOf(claims).replace(
        /\.[^.]+\./,
        `.${encode({ ...claims, 'kubernetes.io': { ...bound, namespace: 'other' } })}.`,
      ),
      'signature is wrong',
    ],
  ])('%s', (_, token, why) => {
    expect(read(token)).toEqual({ refused: expect.stringContaining(why) });
  });
});

const inClear = `${encode({ alg: 'HS256', kid: 'rsa' })}.${encode(claims)}`;
const secret = rsa.publicKey.export({ type: 'spki', format: 'pem' });

test.each([
  ['a secret that everybody knows', `${inClear}.${createHmac('sha256', secret).update(inClear).digest('base64url')}`],
  ['a word that every object knows', tokenOf(claims, { alg: 'constructor' })],
  ['a word that every object knows as the key', tokenOf(claims, { kid: '__proto__' })],
  ['a key that is not published', tokenOf(claims, { kid: 'new' })],
  ['an algorithm that is not used', tokenOf(claims, { alg: 'HS256' })],
  ['no algorithm', `${encode({ alg: 'none', kid: 'rsa' })}.${encode(claims)}.AAAA`],
])('%s is a matter for the API server', (_, token) => {
  expect(read(token)).toHaveProperty('unknownKey');
});

test('what passes between the clocks of two machines is tolerated', () => {
  expect(read(tokenOf({ ...claims, exp: seconds - 29, nbf: seconds + 29 }))).toEqual(caller);
});
