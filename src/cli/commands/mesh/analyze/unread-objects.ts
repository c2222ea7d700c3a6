import { quote } from '../../../../grammar/problem.ts';
import { didYouMean } from '../../../../grammar/suggestion.ts';
import { objectMember, objectsMember, stringMember } from '../../../../json/json.ts';
import { isApiError } from '../../../../kubernetes/api-error.ts';
import type { ApiClient } from '../../../../kubernetes/client.ts';
import { findKinds, type ServedKind } from '../../../../kubernetes/served-collections.ts';
import type { FoundObject } from '../../../../manifests/workloads.ts';
import type { Finding } from '../../../../mesh/rules/finding.ts';
import { ruleKinds } from '../../../../mesh/rules/rule-kinds.ts';
import { listIfServed } from '../objects.ts';

/** An object that the control plane does not read, although its author may expect it. */
export interface UnreadObject {
  readonly ref: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly findings: readonly Finding[];
}

type Typed = Pick<FoundObject, 'apiVersion' | 'kind' | 'object'>;

const kinds: ReadonlyMap<string, (typeof ruleKinds)[keyof typeof ruleKinds]> = new Map(Object.entries(ruleKinds));

/** API groups all of whose objects govern a mesh. */
const groupsOfMeshes: ReadonlySet<string> = new Set([
  ruleKinds.VirtualService.group,
  ruleKinds.AuthorizationPolicy.group,
  ruleKinds.RateLimit.group,
  'telemetry.istio.io',
  'extensions.istio.io',
]);

/** API group of which only routes for Services govern a mesh. */
const groupOfRoutes = ruleKinds.HTTPRoute.group;

/** Kinds that Istio reads and this mesh does not, so that no other one is meant. */
const kindsOfIstiod: ReadonlySet<string> = new Set([
  'EnvoyFilter',
  'Gateway',
  'ProxyConfig',
  'RequestAuthentication',
  'ServiceEntry',
  'Sidecar',
  'TCPRoute',
  'TLSRoute',
  'Telemetry',
  'UDPRoute',
  'WasmPlugin',
  'WorkloadEntry',
  'WorkloadGroup',
]);

/** Whether a route of the Gateway API is for a Service, and not for a gateway, which somebody else may have. */
function isForService({ object }: Typed): boolean {
  return objectsMember(objectMember(object, 'spec'), 'parentRefs').some(
    (parent) => stringMember(parent, 'kind') === 'Service',
  );
}

function findingOf(found: Typed): Finding | undefined {
  const { apiVersion, kind } = found;
  const [group = '', version = ''] = apiVersion.split('/');
  const known = kinds.get(kind);
  const say = (code: string, field: string, sentence: string): Finding => ({
    field,
    effect: 'without-effect',
    code,
    sentence,
  });
  if (known?.group === group) {
    if (known.versions.includes(version)) return undefined;
    const allowed = known.versions.map((one) => `${group}/${one}`).join(', ');
    return say('UnknownVersion', '/apiVersion', `${quote(apiVersion)}: this mesh reads ${allowed}`);
  }
  const isOurs = groupsOfMeshes.has(group) || (group === groupOfRoutes && isForService(found));
  if (!isOurs) return undefined;
  const names = [...kinds.keys()].filter((one) => kinds.get(one)?.group === group);
  const meant = kindsOfIstiod.has(kind) ? '; it needs istiod' : didYouMean(kind, names);
  return say('UnknownKind', '/kind', `${quote(kind)} of ${group} is no kind that this mesh reads${meant}`);
}

/** Returns the objects of files that a control plane would not read, with what is wrong: kinds that are not supported, or misspelt, and versions. */
export function unreadObjects(found: readonly FoundObject[], namespace: string): readonly UnreadObject[] {
  return found.flatMap((one) => {
    const finding = findingOf(one);
    const ref = { kind: one.kind, namespace: one.namespace ?? namespace, name: one.name };
    return finding === undefined ? [] : [{ ref, findings: [finding] }];
  });
}

/** Objects of a cluster that a control plane does not read, and which kinds could not be looked at, in words. */
export interface UnreadOfCluster {
  readonly objects: readonly UnreadObject[];
  readonly notes: readonly string[];
}

/** Whether a control plane reads a kind, in any of the versions of which the API server can make each other. */
function isRead(group: string, { kind, versions }: ServedKind): boolean {
  const known = kinds.get(kind);
  return known?.group === group && versions.some((one) => known.versions.includes(one));
}

/** Returns a list, or none if it may not be asked for, which `notes` then says. */
async function unlessForbidden<T>(
  what: string,
  notes: string[],
  ask: () => Promise<readonly T[]>,
): Promise<readonly T[]> {
  try {
    return await ask();
  } catch (error) {
    if (!isApiError(error, 'forbidden')) throw error;
    notes.push(
      `note: it is not known whether there are objects that this mesh does not read: ${what}: ${error.message}`,
    );
    return [];
  }
}

/** Returns the objects of a cluster that a control plane does not read, of all kinds that the API server has in the groups that govern meshes. */
export async function unreadOfCluster(client: ApiClient): Promise<UnreadOfCluster> {
  const notes: string[] = [];
  const objects: UnreadObject[] = [];
  for (const group of [...groupsOfMeshes, groupOfRoutes]) {
    const served = await unlessForbidden(`kinds of ${group}`, notes, () => findKinds(client, group));
    const meant = served.filter(
      (one) => !isRead(group, one) && (group !== groupOfRoutes || one.kind.endsWith('Route')),
    );
    for (const { apiVersion, kind, path } of meant) {
      const type = { apiVersion, kind };
      const listed = await unlessForbidden(`${kind} of ${group}`, notes, () => listIfServed(client, path, type));
      for (const object of listed) {
        const finding = findingOf({ ...type, object });
        const metadata = objectMember(object, 'metadata');
        const [namespace = '', name = ''] = ['namespace', 'name'].map((key) => stringMember(metadata, key));
        if (finding !== undefined) objects.push({ ref: { kind, namespace, name }, findings: [finding] });
      }
    }
  }
  return { objects, notes };
}
