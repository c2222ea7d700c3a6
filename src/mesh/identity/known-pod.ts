import type { World } from '../world/world.ts';
import type { Caller, Refusal } from './caller.ts';

/**
 * Returns why a caller with a valid token is not let in: its pod must exist with this uid, must not have ended, must run as this
 * service account, and must have the address from which it calls. A token outlives its pod, so the token alone is not enough.
 */
export function refusalOf(caller: Caller, peerAddress: string, { pod: pods }: World): Refusal | undefined {
  const key = `${caller.namespace}/${caller.podName}`;
  const pod = pods.get(key);
  if (pod === undefined) return { refused: `the pod ${key} is not known` };
  if (pod.uid !== caller.podUid) return { refused: `the token is of an earlier pod ${key}` };
  if (pod.isOver) return { refused: `the pod ${key} has ended` };
  if (pod.serviceAccount !== caller.serviceAccount)
    return { refused: `the pod ${key} runs as another service account` };
  if (!pod.addresses.includes(peerAddress)) {
    return { refused: `the pod ${key} has the addresses ${pod.addresses.join(', ')}, and not ${peerAddress}` };
  }
  return undefined;
}
