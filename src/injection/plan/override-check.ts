import type { PodContainer } from '../../pod/containers.ts';
import { names } from '../../pod/conventions.ts';
import { isObject, isSame, member, objectMember, stringMember, type Json, type JsonObject } from '../../json/json.ts';
import { isAllowedImage } from '../../settings/pod-checks.ts';
import { quote, type Problem } from '../../grammar/problem.ts';
import { parseQuantity } from '../../grammar/quantity.ts';
import type { Caps } from '../../settings/schema/profile.ts';
import { otherFields, proxyFields, withoutTokenMount, type TakenIds } from './override.ts';

/** With `capture: fixed` the proxy's own copy may not either: whatever runs as the proxy's user passes the capture by. */
function allowedFields(name: string, caps: Caps): ReadonlySet<string> {
  return name === names.proxyContainer && caps.capture !== 'fixed' ? proxyFields : otherFields;
}

/** Defaults that the API server writes into every container before it calls us; they override nothing. */
const serverDefaults: ReadonlyMap<string, readonly Json[]> = new Map<string, readonly Json[]>([
  ['terminationMessagePath', ['/dev/termination-log']],
  ['terminationMessagePolicy', ['File', 'FallbackToLogsOnError']],
  ['imagePullPolicy', ['Always', 'IfNotPresent']],
  ['stdin', [false]],
  ['stdinOnce', [false]],
  ['tty', [false]],
  ['workingDir', ['']],
]);

/** Maximum user or group id (apimachinery `util/validation` IsValidUserID). */
const highestId = 2_147_483_647;

function isId(value: Json | undefined): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= highestId;
}

function aboveCaps(container: JsonObject, caps: Caps, where: string): Problem[] {
  const resources = objectMember(container, 'resources');
  return (['requests', 'limits'] as const).flatMap((list) =>
    (['cpu', 'memory', 'ephemeral-storage'] as const).flatMap((resource) => {
      const value = objectMember(resources, list)?.[resource];
      const cap = caps[resource];
      if (value === undefined || value === null || cap === undefined) return [];
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      if ((parseQuantity(text) ?? Infinity) <= (parseQuantity(cap) ?? 0)) return [];
      return [
        {
          where: `${where}.${list}.${resource}`,
          message: `${quote(text)} is above the profile's cap; allowed: at most ${cap}`,
        },
      ];
    }),
  );
}

function isList(value: Json | undefined, accepts: (item: Json) => boolean): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.every(accepts));
}

/** The in-place resize policies that some API servers write into every container with resources. */
function isDefaultResizePolicy(value: Json | undefined): boolean {
  return isList(value, (item) => isObject(item) && stringMember(item, 'restartPolicy') === 'NotRequired');
}

/** Null, an empty list or map, and what the API server or its plug-ins have put in override nothing. */
function saysNothing(field: string, value: Json | undefined): boolean {
  const own = field === 'volumeMounts' ? withoutTokenMount(value) : value;
  if (own === null || own === undefined) return true;
  if (field === 'resizePolicy' && isDefaultResizePolicy(own)) return true;
  if (typeof own === 'object') return Object.keys(own).length === 0;
  return serverDefaults.get(field)?.includes(own) === true;
}

/** What copies are compared with. */
export interface OverrideBounds {
  /** The image of our container. */
  readonly image: string;
  /** Patterns of images that a copy of the proxy may name instead. */
  readonly allowedImages: readonly string[];
  readonly caps: Caps;
  /** Ids that are not taken from a copy, and may be in it for that reason. */
  readonly taken: TakenIds;
  /** Our container, as far as it is the same in every pod, or the part of it that a copy may have, too. */
  readonly ours: JsonObject;
  /** Whether the copy's security context takes the place of ours, instead of being left out. */
  readonly replaces: boolean;
}

/**
 * Capabilities of a copy that our container has or drops, too. Dropping all of them is what both do; dropping some alone
 * would be weaker where the copy's list takes the place of ours.
 */
function areWithin(value: Json | undefined, ours: Json | undefined, isKept: boolean): boolean {
  if (!isObject(value)) return false;
  if (Object.keys(value).some((field) => field !== 'add' && field !== 'drop')) return false;
  const granted = isObject(ours) ? member(ours, 'add') : undefined;
  const drop = member(value, 'drop');
  return (
    isList(member(value, 'add'), (name) => Array.isArray(granted) && granted.includes(name)) &&
    isList(drop, (name) => typeof name === 'string') &&
    (isKept || (Array.isArray(drop) && drop.includes('ALL')))
  );
}

/** Values with which a policy hardens every container. None grants anything, whatever a container has without them. */
const hardening: ReadonlyMap<string, Json> = new Map<string, Json>([
  ['privileged', false],
  ['allowPrivilegeEscalation', false],
  ['readOnlyRootFilesystem', true],
  ['runAsNonRoot', true],
  ['procMount', 'Default'],
  ['seccompProfile', { type: 'RuntimeDefault' }],
  ['appArmorProfile', { type: 'RuntimeDefault' }],
]);

/** Those with which a container can still load rules, where the copy's values take the place of ours. */
const initHardening: ReadonlySet<string> = new Set(['privileged', 'allowPrivilegeEscalation', 'capabilities']);

/** Returns whether a value of the security context is what our container has anyway, or asks for less than that. */
function isHarmless(name: string, field: string, value: Json, { taken, ours, replaces }: OverrideBounds): boolean {
  const own = member(objectMember(ours, 'securityContext'), field);
  if (own !== undefined && isSame(value, own)) return true;
  if (replaces && name !== names.proxyContainer && !initHardening.has(field)) return false;
  if (field === 'capabilities') return areWithin(value, own, !replaces);
  if (field === 'runAsUser' || field === 'runAsGroup') return taken[field].has(value);
  return hardening.has(field) && isSame(value, hardening.get(field));
}

function securityProblems(
  name: string,
  security: JsonObject,
  allowed: readonly string[],
  where: (field: string) => string,
  bounds: OverrideBounds,
): Problem[] {
  return Object.entries(security).flatMap(([field, value]): Problem[] => {
    if (value === null || value === undefined || isHarmless(name, field, value, bounds)) return [];
    const at = where(`securityContext.${field}`);
    if (!allowed.includes(field)) {
      return [{ where: at, message: `may not be set; allowed: ${allowed.join(', ')}` }];
    }
    return isId(value) ? [] : [{ where: at, message: `allowed: a number from 1 to ${highestId}` }];
  });
}

function imageProblems(
  name: string,
  wanted: string | undefined,
  where: string,
  { image, allowedImages }: OverrideBounds,
): Problem[] {
  const images = name === names.proxyContainer ? allowedImages : [];
  if (wanted === undefined || wanted === 'auto' || wanted === image || isAllowedImage(wanted, images)) return [];
  const allowed = `auto${[image, ...images].map((entry) => `, ${entry}`).join('')}`;
  return [{ where, message: `${quote(wanted)} is not allowed; allowed: ${allowed}` }];
}

/**
 * Returns what an override must not set, each with its field. What our container has, too, may be there: policies and
 * platforms write such values into every container.
 */
export function checkOverride(
  override: Pick<PodContainer, 'list' | 'name' | 'raw'>,
  bounds: OverrideBounds,
): Problem[] {
  const { raw: container, name } = override;
  const { caps, ours } = bounds;
  const where = (field: string): string => `container ${quote(name)}, ${field}`;
  const allowed = allowedFields(name, caps);
  const isNativeProxy = name === names.proxyContainer && override.list === 'initContainers';
  const isOurs = (field: string): boolean =>
    member(ours, field) !== undefined && isSame(container[field], member(ours, field));
  const problems = Object.keys(container).flatMap((field): Problem[] => {
    const value = container[field];
    if (allowed.has(field) || saysNothing(field, value) || isOurs(field)) return [];
    if (field === 'restartPolicy' && value === 'Always' && isNativeProxy) return [];
    const message = `may not be set; allowed: ${[...allowed].join(', ')}`;
    // A copy that may not choose its user may still say what ours does.
    if (field !== 'securityContext' || !isObject(value)) return [{ where: where(field), message }];
    return securityProblems(name, value, [], where, bounds).length === 0 ? [] : [{ where: where(field), message }];
  });
  problems.push(...imageProblems(name, stringMember(container, 'image'), where('image'), bounds));
  problems.push(...aboveCaps(container, caps, where('resources')));
  const security = member(container, 'securityContext');
  if (!isObject(security) || !allowed.has('securityContext')) return problems;
  return [...problems, ...securityProblems(name, security, ['runAsUser', 'runAsGroup'], where, bounds)];
}

/** No ids: every one in a copy is its author's choice. */
export const noIds: TakenIds = { runAsUser: new Set(), runAsGroup: new Set() };

/** Any user or group but root's, whosever it is. */
export const anyIds: TakenIds = { runAsUser: { has: isId }, runAsGroup: { has: isId } };

/** Returns warnings about a user or group that is not taken, and about what the init container cannot follow. */
export function overrideWarnings(override: PodContainer, taken: TakenIds): string[] {
  const { name, raw } = override;
  const security = objectMember(raw, 'securityContext');
  const warnings = (['runAsUser', 'runAsGroup'] as const)
    .filter((field) => taken[field].has(member(security, field)))
    .map((field) => {
      const id = JSON.stringify(member(security, field));
      return `container ${quote(name)}: ${field} ${id} is that of another container and is not taken`;
    });
  if (name === names.initContainer && member(security, 'runAsNonRoot') === true) {
    warnings.push(`container ${quote(name)}: runAsNonRoot is not taken; only root can load the rules`);
  }
  return warnings;
}
