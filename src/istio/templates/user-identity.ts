import { renderIstioIptablesFlags } from '../../capture/istio-iptables-flags.ts';
import type { CaptureIntent } from '../../capture/intent.ts';
import { objectMember, type Json, type JsonObject } from '../../json/json.ts';
import type { ExemptIdentity } from './capture.ts';
import { replaceNamed, type Lists } from './container-lists.ts';
import { proxyName } from './template-pod.ts';
import { initNames } from './init-container.ts';
import { interceptionModeOf, type TemplateData } from './template-data.ts';
import { idOf } from './user-copies.ts';

function withSecurity(container: JsonObject, more: JsonObject): JsonObject {
  return { ...container, securityContext: { ...objectMember(container, 'securityContext'), ...more } };
}

/**
 * The user's own copy of the proxy may name its user. TPROXY needs root for the proxy, while the check stays as it is;
 * otherwise the check runs as the proxy does.
 */
export function withUserIdentity(lists: Lists, data: TemplateData, user: JsonObject | undefined): Lists {
  const uid = idOf(user, 'runAsUser');
  const gid = idOf(user, 'runAsGroup');
  if (uid === undefined && gid === undefined) return lists;
  const change = (containers: readonly JsonObject[], name: string, more: JsonObject): readonly JsonObject[] =>
    replaceNamed(containers, name, (one) => withSecurity(one, more));
  if (interceptionModeOf(data) === 'TPROXY') {
    return {
      initContainers: change(lists.initContainers, proxyName, { runAsUser: 0 }),
      containers: change(lists.containers, proxyName, { runAsUser: 0 }),
    };
  }
  const ids = { ...(uid === undefined ? {} : { runAsUser: uid }), ...(gid === undefined ? {} : { runAsGroup: gid }) };
  return { ...lists, initContainers: change(lists.initContainers, initNames.check, ids) };
}

/**
 * Whom the rules exempt when the user's copy of the proxy names a user. With TPROXY the process runs as root, so its
 * group has to be exempt as well: Istio leaves that out and the proxy captures itself.
 */
export function exemptOf(data: TemplateData, user: JsonObject | undefined): ExemptIdentity | undefined {
  const uid = idOf(user, 'runAsUser');
  if (uid === undefined || uid === 0) return undefined;
  const gid = interceptionModeOf(data) === 'TPROXY' ? idOf(user, 'runAsGroup') : undefined;
  return { uid, gid };
}

/** The arguments of the init container with the flags of another intent; other changes of the user stay. */
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
