import type { JsonObject } from '../../json/json.ts';
import type { ProxyIdentity } from '../../pod/conventions.ts';
import type { Resources } from '../../settings/schema/values.ts';

export function resourcesOf(resources: Resources): JsonObject {
  return { requests: { ...resources.requests }, limits: { ...resources.limits } };
}

/** Returns a security context without any right, which the level `restricted` of Pod Security allows. */
export function unprivilegedSecurity({ uid, gid }: ProxyIdentity) {
  return {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
    privileged: false,
    readOnlyRootFilesystem: true,
    runAsGroup: gid,
    runAsNonRoot: true,
    runAsUser: uid,
    seccompProfile: { type: 'RuntimeDefault' },
  } as const;
}
