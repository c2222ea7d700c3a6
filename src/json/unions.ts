import { isObject, type Json, type JsonObject } from './json.ts';

/** What belongs to a union: its members, or whatever is not named. */
type Union = { readonly members: readonly string[] } | { readonly allBut: readonly string[] };

const probe: Union = { members: ['exec', 'grpc', 'httpGet', 'tcpSocket'] };
const hook: Union = { members: ['exec', 'httpGet', 'sleep', 'tcpSocket'] };
const profile: Union = { members: ['localhostProfile', 'type'] };

/**
 * Unions of a pod's spec (kubernetes/api core/v1): of their members an object may have one alone, by the name of the
 * object or of the list that it is in. In the two profiles the type decides whether the other member may be there.
 */
const unions: ReadonlyMap<string, Union> = new Map<string, Union>([
  ['livenessProbe', probe],
  ['readinessProbe', probe],
  ['startupProbe', probe],
  ['postStart', hook],
  ['preStop', hook],
  ['env', { members: ['value', 'valueFrom'] }],
  ['valueFrom', { allBut: [] }],
  ['volume', { allBut: ['name'] }],
  ['volumes', { allBut: ['name'] }],
  ['volumeMounts', { members: ['subPath', 'subPathExpr'] }],
  ['resourceClaims', { allBut: ['name'] }],
  ['seccompProfile', profile],
  ['appArmorProfile', profile],
]);

/** The API server refuses a container that may not gain privileges but has all of them. */
function withoutContradiction(base: JsonObject, patch: JsonObject): JsonObject {
  const capabilities = patch['capabilities'];
  const added = isObject(capabilities) ? capabilities['add'] : undefined;
  const isMighty =
    patch['privileged'] === true ||
    (Array.isArray(added) && (added.includes('SYS_ADMIN') || added.includes('CAP_SYS_ADMIN')));
  const isRefused = isMighty && base['allowPrivilegeEscalation'] === false;
  const isTooMighty = patch['allowPrivilegeEscalation'] === false && base['privileged'] === true;
  if (!isRefused && !isTooMighty) return base;
  const contradicted = isRefused ? 'allowPrivilegeEscalation' : 'privileged';
  return Object.fromEntries(Object.entries(base).filter(([field]) => field !== contradicted));
}

/**
 * Returns the base without the members of its union if the patch has one of them: a choice replaces the choice.
 *
 * @param name of the object, or of the list that it is in
 * @param merging keeps the member that the patch has too, so that the two can be merged
 */
export function withoutChoice(
  base: JsonObject,
  patch: JsonObject,
  name: string | undefined,
  merging: boolean = false,
): JsonObject {
  if (name === 'securityContext') return withoutContradiction(base, patch);
  const union = name === undefined ? undefined : unions.get(name);
  if (union === undefined) return base;
  const belongs = (key: string): boolean =>
    'members' in union ? union.members.includes(key) : !union.allBut.includes(key);
  const isChoice = (key: string): boolean => {
    const value = patch[key];
    const isDirective = key.startsWith('$') || (isObject(value) && value['$patch'] === 'delete');
    return belongs(key) && value !== undefined && value !== null && !isDirective;
  };
  const chosen = Object.keys(patch).filter(isChoice);
  if (chosen.length === 0) return base;
  const stays = (key: string): boolean => !belongs(key) || (merging && union !== profile && chosen.includes(key));
  const kept = Object.entries(base).filter(([key]) => stays(key));
  return kept.length === Object.keys(base).length ? base : Object.fromEntries(kept);
}

/**
 * Returns the merged ports of a container, in which others have lost names that the patch gives: a name stands for one port.
 *
 * @param owners places of the ports to which the patch gives names, by name
 */
export function withUniqueNames(ports: readonly Json[], owners: ReadonlyMap<Json, number>): readonly Json[] {
  return ports.map((port, index) => {
    const name = isObject(port) ? port['name'] : undefined;
    const owner = name === undefined ? undefined : owners.get(name);
    if (!isObject(port) || owner === undefined || owner === index) return port;
    return Object.fromEntries(Object.entries(port).filter(([key]) => key !== 'name'));
  });
}
