import type { JsonObject } from '../../json/json.ts';
import { stringMember } from '../../json/json.ts';
import type { PodView } from '../../pod/view.ts';
import type { Identity } from './template-data.ts';
import { proxyName } from './template-pod.ts';
import { idOf } from './user-copies.ts';

/** Annotations in which OpenShift assigns ids to a namespace (openshift/api security/v1). */
const ranges = {
  users: 'openshift.io/sa.scc.uid-range',
  groups: 'openshift.io/sa.scc.supplemental-groups',
} as const;

/** Returns the last id of the first range, `start/size` or `start-end`, or undefined if the text is neither. */
function lastOf(text: string | undefined): number | undefined {
  const [first = ''] = (text ?? '').split(',');
  const match = /^(\d{1,10})(?:\/(\d{1,10})|-(\d{1,10}))$/.exec(first.trim());
  if (match === null) return undefined;
  const [, start, size, end] = match;
  return size === undefined ? Number(end) : Number(start) + Number(size) - 1;
}

/** Returns the proxy's ids in an OpenShift namespace: the last of each range, which no application has by chance. */
export function openShiftIdentity(annotations: Readonly<Record<string, string>> | undefined): Identity | undefined {
  const uid = lastOf(annotations?.[ranges.users]);
  if (uid === undefined) return undefined;
  return { uid, gid: lastOf(annotations?.[ranges.groups]) ?? uid };
}

function without(container: JsonObject, fields: readonly string[]): JsonObject {
  if (fields.length === 0) return container;
  const security = Object.entries((container['securityContext'] ?? {}) as JsonObject);
  return { ...container, securityContext: Object.fromEntries(security.filter(([key]) => !fields.includes(key))) };
}

/**
 * Removes ids from a copy of the proxy's container that application containers have as well: OpenShift writes the
 * namespace's user into every container before it calls the webhook. That is not the user's choice, and with that user
 * the proxy would capture its own traffic.
 */
export function withoutPlatformIds(view: PodView): PodView {
  const isProxy = (container: JsonObject): boolean => stringMember(container, 'name') === proxyName;
  const applications = view.containers.filter((container) => !isProxy(container));
  const taken = {
    runAsUser: new Set(applications.map((application) => idOf(application, 'runAsUser'))),
    runAsGroup: new Set(applications.map((application) => idOf(application, 'runAsGroup'))),
  };
  const clean = (container: JsonObject): JsonObject => {
    if (!isProxy(container)) return container;
    const same = (['runAsUser', 'runAsGroup'] as const).filter((field) => {
      const id = idOf(container, field);
      return id !== undefined && taken[field].has(id);
    });
    return without(container, same);
  };
  return { ...view, containers: view.containers.map(clean), initContainers: view.initContainers.map(clean) };
}
