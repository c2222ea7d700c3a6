import { createPublicKey, verify, type JsonWebKey, type KeyObject } from 'node:crypto';
import { isObject, member, objectMember, parseJson, stringMember, type JsonObject } from '../../json/json.ts';
import type { Caller, Refusal } from './caller.ts';

/** Keys by which an API server signs tokens of service accounts, by key id. */
export type KeySet = ReadonlyMap<string, KeyObject>;

/** Algorithms of the tokens of service accounts (RFC 7518 section 3.1), the keys that they are for, and how Node calls them. */
const algorithms: ReadonlyMap<
  string,
  { readonly keyType: 'rsa' | 'ec'; readonly digest: string; readonly dsaEncoding?: 'ieee-p1363' }
> = new Map([
  ['RS256', { keyType: 'rsa', digest: 'sha256' }],
  ['ES256', { keyType: 'ec', digest: 'sha256', dsaEncoding: 'ieee-p1363' }],
]);

/** Characters of a token. Those of the API server have about a thousand. */
export const longestToken = 16_384;

/** Reads a JSON Web Key Set (RFC 7517). Keys that cannot be used here are left out. */
export function readKeySet(body: JsonObject): KeySet {
  const keys = new Map<string, KeyObject>();
  const list = member(body, 'keys');
  for (const jwk of Array.isArray(list) ? list.filter(isObject) : []) {
    const id = stringMember(jwk, 'kid');
    if (id === undefined) continue;
    try {
      keys.set(id, createPublicKey({ key: jwk as unknown as JsonWebKey, format: 'jwk' }));
    } catch {
      // A kind of key that this version of Node does not know.
    }
  }
  return keys;
}

/** What a token must say. */
export interface TokenRules {
  readonly issuer: string;
  readonly audience: string;
}

/** Why a token cannot be checked here: its key is not known. */
export interface UnknownKey {
  readonly unknownKey: string;
}

/** Time by which the clocks of the API server and of the control plane may differ. */
const leewaySeconds = 30;

function decode(part: string): JsonObject | undefined {
  const value = parseJson(Buffer.from(part, 'base64url').toString('utf8'));
  return isObject(value) ? value : undefined;
}

function problemOf(claims: JsonObject, { issuer, audience }: TokenRules, nowSeconds: number): string | undefined {
  if (stringMember(claims, 'iss') !== issuer) return 'the token is of another issuer';
  const audiences = [member(claims, 'aud') ?? []].flat();
  if (!audiences.includes(audience)) return `the token is not for the audience ${audience}`;
  const expiry = member(claims, 'exp');
  if (typeof expiry !== 'number') return 'the token has no expiry';
  if (expiry + leewaySeconds < nowSeconds) return 'the token has expired';
  const notBefore = member(claims, 'nbf');
  if (typeof notBefore === 'number' && notBefore - leewaySeconds > nowSeconds) return 'the token is not valid yet';
  return undefined;
}

/**
 * Verifies a projected token of a service account (RFC 7519) and returns whom it is bound to. The claims of bound tokens are
 * those of Kubernetes' `pkg/serviceaccount/claims.go`.
 */
export function readToken(token: string, keys: KeySet, rules: TokenRules, now: Date): Caller | Refusal | UnknownKey {
  const [header = '', payload = '', signature = '', ...more] = token.split('.');
  if (signature === '' || more.length > 0) return { refused: 'no token of a service account was sent' };
  const head = decode(header);
  const algorithm = algorithms.get(stringMember(head, 'alg') ?? '');
  const keyId = stringMember(head, 'kid') ?? '';
  const key = keys.get(keyId);
  if (algorithm === undefined || key === undefined) return { unknownKey: keyId };
  const { keyType, digest, dsaEncoding } = algorithm;
  if (key.asymmetricKeyType !== keyType) return { refused: "the token's algorithm is not that of its key" };
  const signed = Buffer.from(`${header}.${payload}`);
  const proof = Buffer.from(signature, 'base64url');
  if (!verify(digest, signed, dsaEncoding === undefined ? key : { key, dsaEncoding }, proof)) {
    return { refused: "the token's signature is wrong" };
  }
  const claims = decode(payload);
  if (claims === undefined) return { refused: 'the token has no claims' };
  const problem = problemOf(claims, rules, now.getTime() / 1_000);
  if (problem !== undefined) return { refused: problem };
  const bound = objectMember(claims, 'kubernetes.io');
  const namespace = stringMember(bound, 'namespace');
  const serviceAccount = stringMember(objectMember(bound, 'serviceaccount'), 'name');
  const pod = objectMember(bound, 'pod');
  const podName = stringMember(pod, 'name');
  const podUid = stringMember(pod, 'uid');
  if (namespace === undefined || serviceAccount === undefined || podName === undefined || podUid === undefined) {
    return { refused: 'the token is not bound to a pod' };
  }
  return { namespace, serviceAccount, podName, podUid };
}
