import { stringMember } from '../../json/json.ts';
import { isApiError } from '../../kubernetes/api-error.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import type { World } from '../world/world.ts';
import type { Authenticator, Caller, Refusal } from './caller.ts';
import { refusalOf } from './known-pod.ts';
import { createTokenReviewer } from './token-review.ts';
import { longestToken, readKeySet, readToken, type KeySet, type UnknownKey } from './token.ts';

const paths = { keys: '/openid/v1/jwks', configuration: '/.well-known/openid-configuration' } as const;

/** Unknown keys lead to at most one request for new ones in this time. */
const refreshMs = 10_000;

/** Age at which keys are read anew while tokens come: one that is published no longer is of no more use. */
const keysMs = 5 * 60_000;

/** What the API server publishes about its tokens. */
interface Published {
  readonly issuer: string;
  readonly keys: KeySet;
}

/** Reads it; a text says why it is of no use. Rejects if the API server cannot be reached. */
async function readPublished(client: Pick<ApiClient, 'get'>): Promise<Published | string> {
  try {
    const { body } = await client.get(paths.configuration);
    const issuer = stringMember(body, 'issuer') ?? '';
    const keys = readKeySet((await client.get(paths.keys)).body);
    if (issuer === '') return 'the configuration of the issuer names none';
    return keys.size === 0 ? 'the issuer publishes no key that can be used' : { issuer, keys };
  } catch (error) {
    if (isApiError(error, 'forbidden', 'not-found', 'unauthorized', 'refused', 'bad-answer')) return error.message;
    throw error;
  }
}

/**
 * Creates an authenticator that checks tokens with the keys that the API server publishes: no call for each connection, and pods
 * that are known are let in while the API server is away. If it publishes none, each token is sent to it (TokenReview), and
 * `onReviews` is called with the reason. Rejects if the API server cannot be reached.
 */
export async function createAuthenticator(options: {
  readonly client: Pick<ApiClient, 'get' | 'post'>;
  readonly audience: string;
  readonly world: () => World;
  readonly clock: () => Date;
  readonly onReviews: (reason: string) => void;
}): Promise<Authenticator> {
  const { client, audience, world, clock } = options;
  const review = createTokenReviewer({ client, audience, clock });
  let published = await readPublished(client);
  let refreshedMs = clock().getTime();
  if (typeof published === 'string') options.onReviews(published);

  /** Reads the keys anew. Those that are known stay if there are none now. */
  async function refresh(): Promise<void> {
    const nowMs = clock().getTime();
    if (Math.abs(nowMs - refreshedMs) < refreshMs) return;
    refreshedMs = nowMs;
    try {
      const fresh = await readPublished(client);
      if (typeof fresh !== 'string' || typeof published === 'string') published = fresh;
    } catch (error) {
      // The question about the token says the same, unless its answer is still known.
      if (typeof published !== 'string') throw error;
    }
  }

  function check(token: string, { keys, issuer }: Published): Caller | Refusal | UnknownKey {
    return readToken(token, keys, { issuer, audience }, clock());
  }

  async function callerOf(token: string): Promise<Caller | Refusal> {
    if (token.length > longestToken) return { refused: `the token has more than ${longestToken} characters` };
    // Nobody waits for it, and those that are known stay while the API server is away.
    if (clock().getTime() - refreshedMs > keysMs) refresh().catch(() => undefined);
    const first = typeof published === 'string' ? undefined : check(token, published);
    if (first !== undefined && !('unknownKey' in first)) return first;
    // The API server may have a new key, or publish keys now.
    await refresh();
    if (typeof published === 'string') return review(token);
    const second = check(token, published);
    return 'unknownKey' in second
      ? { refused: 'the token is signed with a key that the API server does not publish' }
      : second;
  }

  return {
    async authenticate(token, peerAddress) {
      const caller = await callerOf(token);
      return 'refused' in caller ? caller : (refusalOf(caller, peerAddress, world()) ?? caller);
    },
  };
}
