import { createHash } from 'node:crypto';
import { member, objectMember, stringMember, type JsonObject } from '../../json/json.ts';
import { ApiError, isApiError } from '../../kubernetes/api-error.ts';
import type { ApiAnswer, ApiClient } from '../../kubernetes/client.ts';
import type { Caller, Refusal } from './caller.ts';

const path = '/apis/authentication.k8s.io/v1/tokenreviews';

/** How long an answer counts, how many are remembered, and how many questions are open at most. */
const limits = { acceptedMs: 30_000, refusedMs: 10_000, remembered: 4_000, open: 50 } as const;

/** Keys of a user's `extra` that name the pod of a bound token (Kubernetes' `pkg/serviceaccount/util.go`). */
const extraKeys = { podName: 'authentication.kubernetes.io/pod-name', podUid: 'authentication.kubernetes.io/pod-uid' };

function firstText(extra: JsonObject | undefined, key: string): string | undefined {
  const [text] = [member(extra, key) ?? []].flat();
  return typeof text === 'string' ? text : undefined;
}

/** Reads the status of a TokenReview. The API server's own text is left out: it may quote the token. */
function callerOf(status: JsonObject | undefined, audience: string): Caller | Refusal {
  if (member(status, 'authenticated') !== true) return { refused: 'the API server does not accept the token' };
  // A server that does not know audiences names none, and has checked none.
  if (![member(status, 'audiences') ?? []].flat().includes(audience)) {
    return { refused: `the token is not for the audience ${audience}` };
  }
  const user = objectMember(status, 'user');
  const extra = objectMember(user, 'extra');
  const [, namespace, serviceAccount] =
    /^system:serviceaccount:([^:]+):([^:]+)$/.exec(stringMember(user, 'username') ?? '') ?? [];
  const podName = firstText(extra, extraKeys.podName);
  const podUid = firstText(extra, extraKeys.podUid);
  if (namespace === undefined || serviceAccount === undefined || podName === undefined || podUid === undefined) {
    return { refused: 'the token is not bound to a pod' };
  }
  return { namespace, serviceAccount, podName, podUid };
}

interface Answer {
  readonly untilMs: number;
  readonly caller: Caller | Refusal;
}

/**
 * Returns a function that has the API server check a token. Answers are remembered for a short time, by a hash of the token. It
 * rejects if the API server cannot be asked, or is being asked too much.
 */
export function createTokenReviewer(options: {
  readonly client: Pick<ApiClient, 'post'>;
  readonly audience: string;
  readonly clock: () => Date;
}): (token: string) => Promise<Caller | Refusal> {
  const { client, audience, clock } = options;
  const answers = new Map<string, Answer>();
  const open = new Map<string, Promise<Caller | Refusal>>();

  /** What an API server says of a body that it does not take may quote the token. */
  async function post(body: JsonObject): Promise<ApiAnswer> {
    try {
      return await client.post(path, body);
    } catch (error) {
      if (!isApiError(error, 'invalid', 'refused', 'conflict', 'server-error', 'bad-answer')) throw error;
      const { code, statusCode } = error;
      throw new ApiError(code, `POST ${path}: the API server answered ${statusCode ?? 'something else'}`);
    }
  }

  async function review(hash: string, token: string): Promise<Caller | Refusal> {
    const { body } = await post({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token, audiences: [audience] },
    });
    const caller = callerOf(objectMember(body, 'status'), audience);
    const keptMs = 'refused' in caller ? limits.refusedMs : limits.acceptedMs;
    answers.delete(hash);
    answers.set(hash, { untilMs: clock().getTime() + keptMs, caller });
    const [oldest] = answers.keys();
    if (answers.size > limits.remembered && oldest !== undefined) answers.delete(oldest);
    return caller;
  }

  return async (token) => {
    if (token === '') return { refused: 'no token of a service account was sent' };
    const hash = createHash('sha256').update(token).digest('base64');
    const known = answers.get(hash);
    if (known !== undefined && clock().getTime() < known.untilMs) return known.caller;
    const asked = open.get(hash);
    if (asked !== undefined) return asked;
    if (open.size >= limits.open) throw new Error('the API server is checking many tokens already');
    const asking = review(hash, token).finally(() => open.delete(hash));
    open.set(hash, asking);
    return asking;
  };
}
