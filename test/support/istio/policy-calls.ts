import { isObject, type Json } from '../../../src/json/json.ts';
import * as fc from '../fast-check.ts';
import type { HttpCall } from '../mesh/access-envoy.ts';

/*
 * Requests made from the values in policies: some that they mean, and some that they just do not.
 */

/** All texts in some objects. */
function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  if (Array.isArray(value)) return value.flatMap((one) => textsIn(one as Json));
  return isObject(value) ? Object.values(value).flatMap((one) => textsIn(one as Json)) : [];
}

/** Texts that a pattern means, or almost. */
function near(pattern: string): readonly string[] {
  const meant = pattern.replaceAll('{**}', 'p/q').replaceAll('{*}', 'p').replaceAll('*', 'x');
  return [meant, `${meant}0`, meant.slice(0, -1), meant.replaceAll('x', '')];
}

const identities = [
  'shop/front',
  'shop/back',
  'store/front',
  'store/back',
  'myshop/other',
  'shopping/front',
  'shop/front-2',
].map((name) => {
  const [namespace, account] = name.split('/');
  return `spiffe://cluster.local/ns/${namespace}/sa/${account}`;
});

/** What attackers send, and what servers may read in another way than it is written. */
const devious = [
  '//admin',
  '/x/../admin',
  '/public/../admin',
  '/%61dmin',
  '/admin;x',
  '/ADMIN',
  '/public/..%2Fadmin',
  '/public/%2e%2e/admin',
  String.raw`/public\..\admin`,
  '/admin%2Fx',
  '/a/%2E/b',
  '/public/.',
  '/secret%00.html',
  '/a%7Eb-c_d.e',
  '/caf%c3%a9',
];

/** Identities in texts: `NAMESPACE/SERVICE-ACCOUNT`, or with a trust domain. */
function identityIn(text: string): readonly string[] {
  const [, namespace, account] = /^([a-z0-9-]+)\/([a-z0-9-]+)$/.exec(text) ?? [];
  if (namespace !== undefined) return [`spiffe://cluster.local/ns/${namespace}/sa/${account}`];
  return /^[a-z0-9.-]+\/ns\/[a-z0-9-]+\/sa\/[a-z0-9-]+$/.test(text) ? [`spiffe://${text}`] : [];
}

function isPath(text: string): boolean {
  return /^\/[!-~]*$/.test(text);
}

/** Whether a path has one reading only. */
export function isPlain(path: string): boolean {
  return !/[\\;]|\/\/|%|\/\.{1,2}(?:\/|$)/.test(path);
}

/** Returns requests for policies. */
export function callsFor(policies: Json): fc.Arbitrary<HttpCall> {
  const texts = [...new Set(textsIn(policies).flatMap(near))];
  const paths = texts.filter(isPath);
  const hosts = texts.filter((text) => /^[A-Za-z0-9.:-]{1,40}$/.test(text));
  const methods = texts.filter((text) => /^[A-Z]{2,6}$/.test(text));
  return fc.record({
    identity: fc.constantFrom(undefined, ...identities, ...texts.flatMap(identityIn)),
    source: fc.constantFrom('127.0.0.1', '127.1.2.3', '127.1.9.9', '127.3.0.1'),
    destination: fc.constantFrom('10.1.2.3', '10.1.9.9', '10.9.0.1'),
    port: fc.constantFrom(80, 8080, 9091),
    serverName: fc.constantFrom(undefined, 'cart.example.com', 'cart'),
    method: fc.constantFrom('GET', 'POST', 'PUT', ...methods),
    path: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('/', '/admin', ...paths) },
      { weight: 1, arbitrary: fc.constantFrom(...devious) },
    ),
    host: fc.constantFrom('cart', 'cart:8080', ...hosts),
    headers: fc.constantFrom(
      {},
      { 'x-user': 'bob' },
      { 'x-user': 'alice' },
      { 'x-forwarded-for': '10.9.8.7' },
      { 'x-forwarded-for': '127.1.2.3, 10.9.1.1', 'x-user': 'b' },
    ),
  });
}
