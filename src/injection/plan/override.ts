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
import { overlay } from '../../json/overlay.ts';
import { settledResources } from './own-resources.ts';

/** What a pod's copy of the proxy's container may say. */
export const proxyFields = wordSet(`
  name image env resources ports readinessProbe livenessProbe startupProbe lifecycle volumeMounts securityContext
`);

/**
 * What any other copy may say. The init container is root with NET_ADMIN and runs the operator's image: a variable or a
 * mount would let the pod choose what it does there.
 */
export const otherFields: ReadonlySet<string> = new Set(['name', 'image', 'resources']);

/** Returns the pod's own copies of injected containers, by which users override fields. */
export function overridesOf(view: PodView): PodContainer[] {
  return containersOf(view).filter(({ name }) => isInjectedName(name));
}

/**
 * Removes the mount of the API token, which the ServiceAccount admission plug-in has added to the user's copy: our
 * container masks the token.
 */
export function withoutTokenMount(value: Json | undefined): Json | undefined {
  if (!Array.isArray(value)) return value;
  return value.filter((mount: Json) => !isObject(mount) || stringMember(mount, 'mountPath') !== tokenPath);
}

const idFields = ['runAsUser', 'runAsGroup'] as const;

/** Users and groups. */
interface Ids {
  has(id: Json | undefined): boolean;
}

/** Ids that others have, by field of the security context. */
export type TakenIds = Readonly<Record<(typeof idFields)[number], Ids>>;

/** The least id that OpenShift assigns to a namespace (its default uidAllocationRange is 1000000000-1999999999/10000). */
const leastPlatformId = 1_000_000_000;

function isPlatformId(id: Json | undefined): boolean {
  return typeof id === 'number' && id >= leastPlatformId;
}

/**
 * Returns the ids that a platform has given to the pod's own containers. OpenShift writes the namespace's user into every
 * container before it calls the webhook, so one of these in a copy of an injected container is nobody's choice.
 */
export function platformIdsOf(containers: readonly PodContainer[]): TakenIds {
  const of = (field: string): ReadonlySet<Json | undefined> =>
    new Set(
      containers
        .filter(({ name }) => !isInjectedName(name))
        .map(({ raw }) => member(objectMember(raw, 'securityContext'), field))
        .filter(isPlatformId),
    );
  return { runAsUser: of('runAsUser'), runAsGroup: of('runAsGroup') };
}

/**
 * Returns the user and group of the proxy's container, else the defaults, for capture rules and security context.
 *
 * @param taken ids that do not count, as those of the pod's own containers
 */
export function identityOf(container: JsonObject | undefined, taken?: TakenIds): ProxyIdentity {
  const security = objectMember(container, 'securityContext');
  const number = (field: (typeof idFields)[number], otherwise: number): number => {
    const value = member(security, field);
    return typeof value === 'number' && taken?.[field].has(value) !== true ? value : otherwise;
  };
  return { uid: number('runAsUser', proxyUser.uid), gid: number('runAsGroup', proxyUser.gid) };
}

/** Returns what the copy asks for in the field, as far as that is not part of our container already. */
function wishOf(field: string, value: Json): Json | undefined {
  if (field === 'volumeMounts') return withoutTokenMount(value);
  return field === 'resources' && isObject(value) ? settledResources(value).others : value;
}

/**
 * Returns our container with the user's overrides on top, restricted to fields that may be overridden. User, group, CPU,
 * memory and disk are in our container already.
 */
export function applyOverride(container: NamedObject, override: PodContainer): NamedObject {
  const allowed = override.name === names.proxyContainer ? proxyFields : otherFields;
  const wishes = Object.entries(override.raw).flatMap(([field, value]): [string, Json][] => {
    if (!allowed.has(field) || field === 'securityContext' || value === null || value === undefined) return [];
    const wish = field === 'image' && value === 'auto' ? undefined : wishOf(field, value);
    return wish === undefined ? [] : [[field, wish]];
  });
  return { ...overlay(container, Object.fromEntries(wishes)), name: container.name };
}
