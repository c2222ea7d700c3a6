import { wordSet } from '../../grammar/words.ts';
import { containersOf, isInjectedName, type PodContainer } from '../../pod/containers.ts';
import type { PodView } from '../../pod/view.ts';
import { names, proxyUser, tokenPath, type ProxyIdentity } from '../../pod/conventions.ts';
import {
  isObject,
  member,
  objectMember,
  stringMember,
  type Json,
  type JsonObject,
  type NamedObject,
} from '../../json/json.ts';
import { isAllowedImage } from '../../settings/pod-checks.ts';
import { quote, type Problem } from '../../grammar/problem.ts';
import { parseQuantity } from '../../grammar/quantity.ts';
import type { Caps } from '../../settings/schema/profile.ts';
import { overlay } from '../../json/overlay.ts';

/** What a pod's copy of the proxy's container may say. */
const proxyFields = wordSet(`
  name image env resources ports readinessProbe livenessProbe startupProbe lifecycle volumeMounts securityContext
`);

/**
 * What any other copy may say. The init container is root with NET_ADMIN and runs the operator's image: a variable or a
 * mount would let the pod choose what it does there.
 */
const otherFields: ReadonlySet<string> = new Set(['name', 'image', 'resources']);

/** With `capture: fixed` the proxy's own copy may not either: whatever runs as the proxy's user passes the capture by. */
function allowedFields(name: string, caps: Caps): ReadonlySet<string> {
  return name === names.proxyContainer && caps.capture !== 'fixed' ? proxyFields : otherFields;
}

/** Defaults that the API server writes into every container before it calls us; they override nothing. */
const serverDefaults: ReadonlyMap<string, readonly string[]> = new Map([
  ['terminationMessagePath', ['/dev/termination-log']],
  ['terminationMessagePolicy', ['File']],
  ['imagePullPolicy', ['Always', 'IfNotPresent']],
]);

/** Returns the pod's own copies of injected containers, by which users override fields. */
export function overridesOf(view: PodView): PodContainer[] {
  return containersOf(view).filter(({ name }) => isInjectedName(name));
}

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

/**
 * Removes the mount of the API token, which the ServiceAccount admission plug-in has added to the user's copy: our
 * container masks the token.
 */
function withoutTokenMount(value: Json | undefined): Json | undefined {
  if (!Array.isArray(value)) return value;
  return value.filter((mount: Json) => !isObject(mount) || stringMember(mount, 'mountPath') !== tokenPath);
}

/** Null, an empty list or map, and what the ServiceAccount plug-in has put in override nothing. */
function saysNothing(field: string, value: Json | undefined): boolean {
  const own = field === 'volumeMounts' ? withoutTokenMount(value) : value;
  if (own === null || own === undefined) return true;
  return typeof own === 'object' && Object.keys(own).length === 0;
}

/** Returns what an override must not set, each with its field. */
export function checkOverride(
  override: Pick<PodContainer, 'list' | 'name' | 'raw'>,
  image: string,
  allowedImages: readonly string[],
  caps: Caps,
): Problem[] {
  const { raw: container, name } = override;
  const where = (field: string): string => `container ${quote(name)}, ${field}`;
  const problems: Problem[] = [];
  const allowed = allowedFields(name, caps);
  const isNativeProxy = name === names.proxyContainer && override.list === 'initContainers';
  for (const field of Object.keys(container)) {
    const value = container[field];
    if (allowed.has(field) || saysNothing(field, value)) continue;
    if (typeof value === 'string' && serverDefaults.get(field)?.includes(value) === true) continue;
    if (field === 'restartPolicy' && value === 'Always' && isNativeProxy) continue;
    problems.push({ where: where(field), message: `may not be set; allowed: ${[...allowed].join(', ')}` });
  }
  const wanted = stringMember(container, 'image');
  const images = name === names.proxyContainer ? allowedImages : [];
  if (wanted !== undefined && wanted !== 'auto' && wanted !== image && !isAllowedImage(wanted, images)) {
    problems.push({
      where: where('image'),
      message: `${quote(wanted)} is not allowed; allowed: auto${[image, ...images].map((entry) => `, ${entry}`).join('')}`,
    });
  }
  problems.push(...aboveCaps(container, caps, where('resources')));
  const security = member(container, 'securityContext');
  if (!isObject(security) || !allowed.has('securityContext')) return problems;
  for (const field of Object.keys(security)) {
    if (security[field] === null || security[field] === undefined) continue;
    if (field !== 'runAsUser' && field !== 'runAsGroup') {
      problems.push({
        where: where(`securityContext.${field}`),
        message: 'may not be set; allowed: runAsUser, runAsGroup',
      });
    } else if (!isId(security[field])) {
      problems.push({ where: where(`securityContext.${field}`), message: `allowed: a number from 1 to ${highestId}` });
    }
  }
  return problems;
}

/** Returns the user and group of the proxy's container, else the defaults, for capture rules and security context. */
export function identityOf(container: JsonObject | undefined): ProxyIdentity {
  const security = objectMember(container, 'securityContext');
  const number = (field: string, otherwise: number): number => {
    const value = member(security, field);
    return typeof value === 'number' ? value : otherwise;
  };
  return { uid: number('runAsUser', proxyUser.uid), gid: number('runAsGroup', proxyUser.gid) };
}

/** Returns our container with the user's overrides on top, restricted to fields that may be overridden. */
export function applyOverride(container: NamedObject, override: PodContainer): NamedObject {
  const allowed = override.name === names.proxyContainer ? proxyFields : otherFields;
  const wishes = Object.entries(override.raw)
    .filter(([field, value]) => allowed.has(field) && !(field === 'image' && value === 'auto') && value !== null)
    .map(([field, value]) => [field, field === 'volumeMounts' ? withoutTokenMount(value) : value] as const);
  return { ...overlay(container, Object.fromEntries(wishes)), name: container.name };
}
