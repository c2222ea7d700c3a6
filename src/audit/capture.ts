import { member, objectMember, objectsMember, stringMember, type JsonObject } from '../json/json.ts';
import { names } from '../pod/conventions.ts';

function hasFailed(state: JsonObject | undefined): boolean {
  const code = member(objectMember(state, 'terminated'), 'exitCode');
  return typeof code === 'number' && code !== 0;
}

/**
 * Returns whether the container that verifies the rules of a node's agent has failed in the pod: the rules were not there
 * when the pod started. Such a pod never starts, however often the kubelet tries.
 */
export function isUncaptured(pod: JsonObject): boolean {
  const statuses = objectsMember(objectMember(pod, 'status'), 'initContainerStatuses');
  const check = statuses.find((one) => stringMember(one, 'name') === names.checkContainer);
  const state = objectMember(check, 'state');
  // While it waits for its next try, only the last state tells.
  return (
    hasFailed(state) || (objectMember(state, 'terminated') === undefined && hasFailed(objectMember(check, 'lastState')))
  );
}
