import { generateKeyPairSync, sign } from 'node:crypto';
import { setImmediate as afterAnswers } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../../src/json/json.ts';
import { ApiError, type ApiErrorCode } from '../../../src/kubernetes/api-error.ts';
import { createAuthenticator } from '../../../src/mesh/identity/authenticator.ts';
import { readPod } from '../../../src/mesh/world/pod.ts';
import { applyEvents, emptyWorld } from '../../../src/mesh/world/world.ts';

// Who is let in when the API server publishes its keys, and when it does not and is asked instead. With a real one: test/apiserver.

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const issuer = 'https://issuer';
const keys = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one' }] } as JsonObject;
const startMs = Date.parse('2026-06-01T12:00:00Z');
const address = '10.0.0.1';

const pod = readPod({
  metadata: { namespace: 'shop', name: 'cart-1', uid: 'p' },
  spec: { serviceAccountName: 'cart', containers: [] },
  status: { podIPs: [{ ip: address }] },
});
const ended = readPod({
  metadata: { namespace: 'shop', name: 'done', uid: 'd' },
  spec: { serviceAccountName: 'cart', containers: [] },
  status: { phase: 'Succeeded', podIPs: [{ ip: address }] },
});
const { world } = applyEvents(emptyWorld, [
  { kind: 'pod', key: 'shop/cart-1', value: pod },
  { kind: 'pod', key: 'shop/done', value: ended },
]);
const caller = { namespace: 'shop', serviceAccount: 'cart', podName: 'cart-1', podUid: 'p' };

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const told = { namespace: 'shop', serviceAccount: 'cart', name: 'cart-1', uid: 'p' };

function tokenOf(kid = 'one', { namespace, serviceAccount, name, uid } = told): string {
  const bound = { namespace, serviceaccount: { name: serviceAccount }, pod: { name, uid } };
  const claims = { iss: issuer, aud: ['mesh'], exp: startMs / 1000 + 3_600, 'kubernetes.io': bound };
  const signed = `${encode({ alg: 'ES256', kid })}.${encode(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const user: JsonObject = {
  username: 'system:serviceaccount:shop:cart',
  extra: {
    'authentication.kubernetes.io/pod-name': ['cart-1'],
    'authentication.kubernetes.io/pod-uid': ['p'],
  },
};
const accepted: JsonObject = { authenticated: true, audiences: ['mesh'], user };

type Page = JsonObject | ApiErrorCode;

/** An API server with two pages and an answer to reviews; each can be changed, or be an error. */
async function open(initial: { readonly configuration?: Page; readonly keys?: Page; readonly review?: Page } = {}) {
  const pages: { configuration: Page; keys: Page; review: Page } = {
    configuration: { issuer },
    keys,
    review: accepted,
    ...initial,
  };
  const posted: JsonObject[] = [];
  const reasons: string[] = [];
  let gets = 0;
  let nowMs = startMs;
  const answer = (page: Page) =>
    typeof page === 'string' ? Promise.reject(new ApiError(page, `it is ${page}`)) : Promise.resolve({ body: page });
  const authenticator = await createAuthenticator({
    client: {
      get(path) {
        gets += 1;
        return answer(path.endsWith('jwks') ? pages.keys : pages.configuration);
      },
      post(path, body) {
        expect(path).toBe('/apis/authentication.k8s.io/v1/tokenreviews');
        posted.push(body);
        return typeof pages.review === 'string' ? answer(pages.review) : answer({ status: pages.review });
      },
    },
    audience: 'mesh',
    world: () => world,
    clock: () => new Date(nowMs),
    onReviews: (reason) => reasons.push(reason),
  });
  const ask = (token = tokenOf(), peer = address) => authenticator.authenticate(token, peer);
  return { ask, posted, reasons, pages, gets: () => gets, wait: (ms: number) => (nowMs += ms) };
}

describe('with published keys', () => {
  test('nobody is asked', async () => {
    const { ask, posted, gets, reasons } = await open();
    expect(await ask()).toEqual(caller);
    expect([posted, gets(), reasons]).toEqual([[], 2, []]);
  });

  test('an unknown key is looked for once in ten seconds', async () => {
    const { ask, pages, gets, wait, posted } = await open({
      keys: { keys: [{ ...(keys['keys'] as JsonObject[])[0], kid: 'old' }] },
    });
    expect(await ask()).toEqual({ refused: expect.stringContaining('does not publish') });
    pages.keys = keys;
    expect(await ask()).toEqual({ refused: expect.stringContaining('does not publish') });
    expect(gets()).toBe(2);
    wait(10_000);
    expect(await ask()).toEqual(caller);
    expect([gets(), posted]).toEqual([4, []]);
  });

  test.each<[string, Page]>([
    ['keys that are gone', { keys: [] }],
    ['keys that may not be read any more', 'forbidden'],
  ])('%s are not forgotten', async (_, page) => {
    const { ask, pages, wait } = await open();
    pages.keys = page;
    wait(10_000);
    expect(await ask(tokenOf('other'))).toEqual({ refused: expect.stringContaining('does not publish') });
    expect(await ask()).toEqual(caller);
  });

  test('a key that is withdrawn is of no use after some minutes, also if nobody shows another', async () => {
    const { ask, pages, wait } = await open();
    pages.keys = { keys: [{ ...(keys['keys'] as JsonObject[])[0], kid: 'two' }] };
    wait(5 * 60_000 + 1);
    await ask();
    await afterAnswers();
    expect(await ask()).toEqual({ refused: expect.stringContaining('does not publish') });
    expect(await ask(tokenOf('two'))).toEqual(caller);
    pages.keys = 'unreachable';
    wait(5 * 60_000 + 1);
    expect(await ask(tokenOf('two'))).toEqual(caller);
    await afterAnswers();
    expect(await ask(tokenOf('two'))).toEqual(caller);
  });

  test.each<[string, Partial<typeof told>, string]>([
    ['that is gone', { name: 'cart-2' }, 'the pod shop/cart-2 is not known'],
    ['of that name in another namespace', { namespace: 'other' }, 'the pod other/cart-1 is not known'],
    ['that came before one of its name', { uid: 'q' }, 'an earlier pod shop/cart-1'],
    ['that runs as another service account', { serviceAccount: 'admin' }, 'runs as another service account'],
    ['that has ended', { name: 'done', uid: 'd' }, 'has ended'],
  ])('nobody gets in with a token of a pod %s', async (_, other, why) => {
    const { ask } = await open();
    expect(await ask(tokenOf('one', { ...told, ...other }))).toEqual({ refused: expect.stringContaining(why) });
  });

  test('an API server that is away is no refusal', async () => {
    const { ask, pages, wait } = await open();
    pages.configuration = 'unreachable';
    wait(10_000);
    await expect(ask(tokenOf('other'))).rejects.toThrow('it is unreachable');
    expect(await ask()).toEqual(caller);
  });
});

describe('the API server is asked', () => {
  test.each<[string, { readonly configuration?: Page; readonly keys?: Page }, string]>([
    ['where it publishes no configuration', { configuration: 'not-found' }, 'it is not-found'],
    ['where its keys may not be read', { keys: 'forbidden' }, 'it is forbidden'],
    ['where it has no keys', { keys: { keys: [] } }, 'the issuer publishes no key that can be used'],
    ['where its keys are of no known kind', { keys: { keys: [{ kid: 'x', kty: 'odd' }] } }, 'no key that can be used'],
    ['where it names no issuer', { configuration: {} }, 'the configuration of the issuer names none'],
  ])('%s', async (_, pages, reason) => {
    const { ask, posted, reasons } = await open(pages);
    expect(reasons).toEqual([expect.stringContaining(reason)]);
    const token = tokenOf();
    expect(await ask(token)).toEqual(caller);
    expect(posted).toEqual([
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences: ['mesh'] } },
    ]);
  });

  test('once for a while, also by many at once, and the pod must be there each time', async () => {
    const { ask, posted } = await open({ keys: 'forbidden' });
    const token = tokenOf();
    expect(await Promise.all([ask(token), ask(token)])).toEqual([caller, caller]);
    expect(await ask(token)).toEqual(caller);
    expect(await ask(token, '10.9.9.9')).toEqual({ refused: expect.stringContaining('and not 10.9.9.9') });
    expect(posted).toHaveLength(1);
  });

  test('again after a while, and sooner after a refusal', async () => {
    const { ask, posted, pages, wait } = await open({ keys: 'forbidden' });
    const token = tokenOf();
    await ask(token);
    wait(29_999);
    await ask(token);
    expect(posted).toHaveLength(1);
    pages.review = { authenticated: false, error: `[${token}]` };
    wait(1);
    expect(await ask(token)).toEqual({ refused: 'the API server does not accept the token' });
    pages.review = accepted;
    wait(9_999);
    expect(await ask(token)).toEqual({ refused: 'the API server does not accept the token' });
    wait(1);
    expect(await ask(token)).toEqual(caller);
    expect(posted).toHaveLength(3);
  });

  test.each<[string, JsonObject, string]>([
    ['is for another audience', { ...accepted, audiences: ['api'] }, 'not for the audience mesh'],
    ['was checked for no audience', { ...accepted, audiences: undefined }, 'not for the audience mesh'],
    ['is a person', { ...accepted, user: { username: 'admin' } }, 'not bound to a pod'],
    ['is of no pod', { ...accepted, user: { username: 'system:serviceaccount:shop:cart' } }, 'not bound to a pod'],
    [
      'is of an earlier pod',
      {
        ...accepted,
        user: { ...user, extra: { ...(user['extra'] as JsonObject), 'authentication.kubernetes.io/pod-uid': ['q'] } },
      },
      'earlier pod',
    ],
  ])('and a caller is refused whose token %s', async (_, review, why) => {
    const { ask } = await open({ keys: 'forbidden', review });
    expect(await ask()).toEqual({ refused: expect.stringContaining(why) });
  });

  test('but not about a token that is longer than any', async () => {
    const { ask, posted, gets } = await open({ keys: 'forbidden' });
    const before = gets();
    expect(await ask('x'.repeat(16_385))).toEqual({ refused: 'the token has more than 16384 characters' });
    expect([posted, gets()]).toEqual([[], before]);
  });

  test('but not about no token', async () => {
    const { ask, posted } = await open({ keys: 'forbidden' });
    expect(await ask('')).toEqual({ refused: 'no token of a service account was sent' });
    expect(posted).toEqual([]);
  });

  test('an error is no answer and is not remembered; an answer that is known outlives the API server', async () => {
    const { ask, pages, wait } = await open({ keys: 'forbidden', review: 'forbidden' });
    const token = tokenOf();
    await expect(ask(token)).rejects.toThrow('it is forbidden');
    pages.review = accepted;
    expect(await ask(token)).toEqual(caller);
    Object.assign(pages, { configuration: 'unreachable', keys: 'unreachable', review: 'unreachable' });
    wait(29_000);
    expect(await ask(token)).toEqual(caller);
    wait(1_000);
    await expect(ask(token)).rejects.toThrow('it is unreachable');
  });

  test.each<[ApiErrorCode, string]>([
    ['invalid', 'POST /apis/authentication.k8s.io/v1/tokenreviews: the API server answered something else'],
    ['server-error', 'POST /apis/authentication.k8s.io/v1/tokenreviews: the API server answered something else'],
    ['forbidden', 'it is forbidden'],
    ['unreachable', 'it is unreachable'],
  ])('and an answer that is %s is told without what may quote the token', async (review, text) => {
    const { ask } = await open({ keys: 'forbidden', review });
    await expect(ask()).rejects.toThrow(new Error(text));
  });

  test('not about more than fifty at once', async () => {
    const { ask, posted } = await open({ keys: 'forbidden' });
    const all = await Promise.allSettled(Array.from({ length: 51 }, (_, index) => ask(`token-${index}`)));
    expect(posted).toHaveLength(50);
    expect(all[50]).toEqual({
      status: 'rejected',
      reason: new Error('the API server is checking many tokens already'),
    });
  });

  test('no more once it publishes keys', async () => {
    const { ask, pages, wait, posted } = await open({ keys: 'forbidden' });
    pages.keys = keys;
    wait(10_000);
    expect(await ask()).toEqual(caller);
    expect(posted).toEqual([]);
  });
});

test('an API server that cannot be reached at the start is no reason to ask it', async () => {
  await expect(open({ configuration: 'unreachable' })).rejects.toThrow('it is unreachable');
});
