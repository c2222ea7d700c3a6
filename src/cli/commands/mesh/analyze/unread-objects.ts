import { quote } from '../../../../grammar/problem.ts';
import { didYouMean } from '../../../../grammar/suggestion.ts';
import { objectMember, objectsMember, stringMember } from '../../../../json/json.ts';
import type { FoundObject } from '../../../../manifests/workloads.ts';
import type { Finding } from '../../../../mesh/rules/finding.ts';
import { ruleKinds } from '../../../../mesh/rules/rule-kinds.ts';

/** An object that the control plane does not read, although its author may expect it. */
export interface UnreadObject {
  readonly ref: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly findings: readonly Finding[];
}

const kinds: ReadonlyMap<string, (typeof ruleKinds)[keyof typeof ruleKinds]> = new Map(Object.entries(ruleKinds));

/** API groups all of whose objects govern a mesh. */
const groupsOfMeshes: ReadonlySet<string> = new Set([
  ruleKinds.VirtualService.group,
  ruleKinds.AuthorizationPolicy.group,
  ruleKinds.RateLimit.group,
  'telemetry.istio.io',
  'extensions.istio.io',
]);

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
function isForService({ object }: FoundObject): boolean {
  return objectsMember(objectMember(object, 'spec'), 'parentRefs').some(
    (parent) => stringMember(parent, 'kind') === 'Service',
  );
}

function findingOf(found: FoundObject): Finding | undefined {
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
  const isOurs = groupsOfMeshes.has(group) || (group === ruleKinds.HTTPRoute.group && isForService(found));
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
