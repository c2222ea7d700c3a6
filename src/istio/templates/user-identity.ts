import { renderIstioIptablesFlags } from '../../capture/istio-iptables-flags.ts';
import type { CaptureIntent } from '../../capture/intent.ts';
import { objectMember, type Json, type JsonObject } from '../../json/json.ts';
import type { ExemptIdentity } from './capture.ts';
import { has, replaceNamed, type Lists } from './container-lists.ts';
import { proxyName } from './template-pod.ts';
import { initNames } from './init-container.ts';
import { interceptionModeOf, type TemplateData } from './template-data.ts';
import { idOf } from './user-copies.ts';

function withSecurity(container: JsonObject, more: JsonObject): JsonObject {
  return { ...container, securityContext: { ...objectMember(container, 'securityContext'), ...more } };
}

/**
 * Applies the user and group of the user's copy of the proxy where an init container loads or checks the rules. With
 * TPROXY the proxy must run as root, and the container that checks the rules stays as it is. Otherwise the check runs
 * with the proxy's ids.
 */
export function withUserIdentity(lists: Lists, data: TemplateData, user: JsonObject | undefined): Lists {
  const uid = idOf(user, 'runAsUser');
  const gid = idOf(user, 'runAsGroup');
  const loads = has(lists.initContainers, initNames.load);
  const isCaptured = loads || has(lists.initContainers, initNames.check);
  if (!isCaptured || (uid === undefined && gid === undefined)) return lists;
  const change = (containers: readonly JsonObject[], name: string, more: JsonObject): readonly JsonObject[] =>
    replaceNamed(containers, name, (one) => withSecurity(one, more));
  if (interceptionModeOf(data) === 'TPROXY') {
    if (uid === undefined) return lists;
    return {
      initContainers: change(lists.initContainers, proxyName, { runAsUser: 0 }),
      containers: change(lists.containers, proxyName, { runAsUser: 0 }),
    };
  }
  if (loads) return lists;
  const ids = { ...(uid === undefined ? {} : { runAsUser: uid }), ...(gid === undefined ? {} : { runAsGroup: gid }) };
  return { ...lists, initContainers: change(lists.initContainers, initNames.check, ids) };
}

/**
 * Returns the ids that the rules exempt if the user's copy of the proxy sets a user. With TPROXY the process runs as
 * root, so its group must be exempt as well; Istio omits that, and the proxy captures its own traffic.
 */
export function exemptOf(data: TemplateData, user: JsonObject | undefined): ExemptIdentity | undefined {
  const uid = idOf(user, 'runAsUser');
  if (uid === undefined || uid === 0) return undefined;
  const gid = interceptionModeOf(data) === 'TPROXY' ? idOf(user, 'runAsGroup') : undefined;
  return { uid, gid };
}

/**
 * Replaces the flags of one capture intent by those of another in the init container's arguments. Arguments that the
 * user has changed stay as they are.
 */
export function withFlags(
  containers: readonly JsonObject[],
  before: CaptureIntent,
  after: CaptureIntent,
): readonly JsonObject[] {
  const old = renderIstioIptablesFlags(before);
  const next = renderIstioIptablesFlags(after);
  const change = (container: JsonObject): JsonObject => {
    const args = container['args'];
    if (!Array.isArray(args)) return container;
    const at = args.indexOf('-p');
    const isOurs = old.every((flag, index) => args[at + index] === flag);
    if (at < 0 || !isOurs) return container;
    return {
      ...container,
      args: [...(args as readonly Json[]).slice(0, at), ...next, ...(args as readonly Json[]).slice(at + old.length)],
    };
  };
  return replaceNamed(replaceNamed(containers, initNames.load, change), initNames.check, change);
}
