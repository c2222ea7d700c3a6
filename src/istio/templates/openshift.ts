import type { JsonObject } from '../../json/json.ts';
import { objectMember, stringMember } from '../../json/json.ts';
import { proxyUser } from '../../pod/conventions.ts';
import type { PodView } from '../../pod/view.ts';
import type { Identity } from './template-data.ts';
import { initNames } from './init-container.ts';
import { proxyName } from './template-pod.ts';
import { idOf } from './user-copies.ts';

/** Annotations in which OpenShift assigns ids to a namespace (openshift/api security/v1). */
const ranges = {
  users: 'openshift.io/sa.scc.uid-range',
  groups: 'openshift.io/sa.scc.supplemental-groups',
} as const;

const ruleContainers: ReadonlySet<string> = new Set(Object.values(initNames));

/** Largest id: Istio reads ranges as unsigned numbers of 32 bits. */
const highestId = 4_294_967_295;

/** Returns the last id of a range, `start/size` or `start-end`, or undefined if the text is neither. */
function lastOf(text: string | undefined): number | undefined {
  const separator = text?.includes('/') === true ? '/' : '-';
  const match = /^ *(\d{1,10})([-/]) *(\d{1,10})/.exec(text ?? '');
  const [, first, between, second] = match ?? [];
  if (between !== separator) return undefined;
  const [start, end] = [Number(first), Number(second)];
  if (start > highestId || end > highestId) return undefined;
  return separator === '-' ? end : (start + end - 1) >>> 0;
}

/** Returns the last id of the first of several ranges, or undefined if any of them is not a range. */
function lastOfFirst(text: string | undefined): number | undefined {
  const [first, ...others] = (text ?? '').split(',').map(lastOf);
  return others.includes(undefined) ? undefined : first;
}

/**
 * Returns the proxy's ids in an OpenShift namespace: the last of each range, which no application has by chance. The
 * range of users stands in for a missing one of groups. What cannot be read leaves the id that Istio always has.
 */
export function openShiftIdentity(annotations: Readonly<Record<string, string>> | undefined): Identity {
  const users = annotations?.[ranges.users];
  return {
    uid: lastOf(users) ?? proxyUser.uid,
    gid: lastOfFirst(annotations?.[ranges.groups] ?? users) ?? proxyUser.gid,
  };
}

function withoutIds(container: JsonObject): JsonObject {
  const { runAsUser: _user, runAsGroup: _group, ...security } = objectMember(container, 'securityContext') ?? {};
  return { ...container, securityContext: security };
}

/** Returns the user that a container asks for; without one Istio reckons with 0. */
function userOf(container: JsonObject | undefined): number {
  return idOf(container, 'runAsUser') ?? 0;
}

/**
 * Removes user and group from the pod's copy of the proxy's container if its user is that of the application: OpenShift
 * writes the namespace's user into every container before it calls the webhook. That is not the user's choice, and with
 * that user the proxy would capture its own traffic. As in Istio, the application's user is that of the last container
 * with one, init containers included.
 */
export function withoutPlatformIds(view: PodView): PodView {
  const isProxy = (container: JsonObject): boolean => stringMember(container, 'name') === proxyName;
  const isRules = (container: JsonObject): boolean => ruleContainers.has(stringMember(container, 'name') ?? '');
  const all = [...view.containers, ...view.initContainers];
  const copy = all.find(isProxy);
  if (objectMember(copy, 'securityContext') === undefined) return view;
  const applications = all.filter((container) => !isProxy(container) && !isRules(container));
  const last = applications.findLast((container) => idOf(container, 'runAsUser') !== undefined);
  if (userOf(copy) !== userOf(last)) return view;
  const clean = (container: JsonObject): JsonObject => (container === copy ? withoutIds(container) : container);
  return { ...view, containers: view.containers.map(clean), initContainers: view.initContainers.map(clean) };
}
