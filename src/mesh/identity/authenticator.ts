import { stringMember } from '../../json/json.ts';
import type { ApiClient } from '../../kubernetes/client.ts';
import type { World } from '../world/world.ts';
import type { Authenticator, Caller, Refusal } from './caller.ts';
import { refusalOf } from './known-pod.ts';
import { readKeySet, readToken, type KeySet, type TokenRules } from './token.ts';

const paths = { keys: '/openid/v1/jwks', configuration: '/.well-known/openid-configuration' } as const;

/** Unknown keys lead to at most one request for new ones in this time. */
const refreshMs = 10_000;

/**
 * Creates an authenticator that checks tokens with the keys that the API server publishes: no call for each connection, and pods
 * that are known are let in while the API server is away. Rejects if the keys cannot be read.
 */
export async function createAuthenticator(options: {
  readonly client: Pick<ApiClient, 'get'>;
  readonly audience: string;
  readonly world: () => World;
  readonly clock: () => Date;
}): Promise<Authenticator> {
  const { client, audience, world, clock } = options;
  const { body } = await client.get(paths.configuration);
  const rules: TokenRules = { issuer: stringMember(body, 'issuer') ?? '', audience };
  let keys: KeySet = readKeySet((await client.get(paths.keys)).body);
  let refreshedMs = clock().getTime();

  async function refresh(): Promise<void> {
    const nowMs = clock().getTime();
    if (nowMs - refreshedMs < refreshMs) return;
    refreshedMs = nowMs;
    keys = readKeySet((await client.get(paths.keys)).body);
  }

  async function callerOf(token: string): Promise<Caller | Refusal> {
    const first = readToken(token, keys, rules, clock());
    if (!('unknownKey' in first)) return first;
    // The API server may have a new key.
    await refresh();
    const second = readToken(token, keys, rules, clock());
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
