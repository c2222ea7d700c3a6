import type { Finding } from '../rules/finding.ts';
import { objectKey, type ObjectRef, type SecurityKind } from '../rules/object-ref.ts';
import type { Rule } from '../rules/rule.ts';
import { isSecurityKind, type RuleSpecs } from '../rules/rule-kinds.ts';
import type { AuthorizationPolicy } from '../rules/security/authorization-policy.ts';
import type { PeerAuthentication } from '../rules/security/peer-authentication.ts';
import { governs, isSpecific, selects } from '../rules/security/selector.ts';
import type { Pod } from '../world/pod.ts';
import { foreignPrincipals, httpOnBytes, longLists } from './access-notices.ts';
import { servicesOfPod } from './own-services.ts';
import { servicePortsOfModes, servicePortsOfRules } from './port-notices.ts';
import type { Known } from './service-traffic.ts';

/** An object that protects pods. */
export type Guard = Rule<RuleSpecs[SecurityKind]> & { readonly spec: RuleSpecs[SecurityKind] };

/** Returns whether a rule is one that protects pods. */
export function isGuard(rule: Rule<unknown>): rule is Guard {
  return isSecurityKind(rule.ref.kind) && rule.spec !== undefined;
}

function isAccess(guard: Guard): guard is Guard & { readonly spec: AuthorizationPolicy } {
  return guard.ref.kind === 'AuthorizationPolicy';
}

function isModes(guard: Guard): guard is Guard & { readonly spec: PeerAuthentication } {
  return guard.ref.kind === 'PeerAuthentication';
}

/** Returns whether an object governs a pod. A PeerAuthentication with a selector counts in its own namespace alone, and for no pod at all in the root namespace. */
export function guardsPod(
  { ref, spec: { selector } }: Guard,
  pod: Pick<Pod, 'namespace' | 'labels'>,
  rootNamespace: string,
): boolean {
  if (ref.kind !== 'PeerAuthentication' || !isSpecific(selector))
    return governs(ref.namespace, selector, pod, rootNamespace);
  return ref.namespace === pod.namespace && ref.namespace !== rootNamespace && selects(selector, pod);
}

/** How many names a sentence has. */
const mostNames = 3;

function list(names: readonly string[]): string {
  const more = names.length - mostNames;
  return [...names.slice(0, mostNames), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function nameOf({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

function noPods({ ref, spec: { selector } }: Guard): Finding {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([label, value]) => `${label}=${value}`);
  const sentence =
    labels.length === 0
      ? `there is no pod in namespace ${ref.namespace}`
      : `there is no pod in namespace ${ref.namespace} with the labels ${labels.join(', ')}`;
  return { field: '/spec/selector', effect: 'without-effect', code: 'NoPods', sentence };
}

function selectorInRoot({ ref }: Guard): Finding {
  const sentence = `in ${ref.namespace}, the root namespace, only an object without a selector counts, for the whole mesh: put this one into the namespace of the pods`;
  return { field: '/spec/selector', effect: 'without-effect', code: 'SelectorInRoot', sentence };
}

function withoutProxy(pods: readonly Pod[]): readonly Finding[] {
  const names = pods.filter(({ plainPorts }) => plainPorts === 'all').map(({ key }) => key);
  if (names.length === 0) return [];
  const sentence = `nothing enforces it for pods without a proxy of this mesh: ${list(names)}`;
  return [{ field: '/spec/selector', effect: 'warning', code: 'PodsWithoutProxy', sentence }];
}

/** Services whose clients do not use mutual TLS, although a pod behind them may ask for it. */
function plainCallers({ world, index }: Known, pods: readonly Pod[]): readonly Finding[] {
  const closed = pods.filter((pod) => pod.plainPorts !== 'all' && index.peers.modesOf(pod).base === 'STRICT');
  const services = new Set(closed.flatMap(({ key }) => [...servicesOfPod(world, key)]));
  const local = [...services].filter((key) => world.service.get(key)?.isNodeLocal === true);
  if (local.length === 0) return [];
  const sentence = `calls to Services with internalTrafficPolicy: Local are in plain text, and are refused: ${list(local)}`;
  return [{ field: '/spec/mtls/mode', effect: 'warning', code: 'PlainCallers', sentence }];
}

function passedOver({ index }: Known, { ref }: Guard, pods: readonly Pod[]): readonly Finding[] {
  const key = objectKey(ref);
  const decisions = pods.map((pod) => index.peers.decide(pod));
  if (decisions.some(({ deciding }) => deciding.some((one) => objectKey(one.ref) === key))) return [];
  const older = new Set(decisions.flatMap(({ deciding }) => deciding.map((one) => nameOf(one.ref))));
  const sentence = `an older object counts for the same pods: ${list([...older])}; change that one, or delete it`;
  return [{ field: '/metadata/name', effect: 'without-effect', code: 'OlderObjectCounts', sentence }];
}

/** Returns what the author of an object that protects pods should know about those that there are. */
export function guardFindings(known: Known, guard: Guard): readonly Finding[] {
  const { world, domains } = known;
  const pods = [...world.pod.values()].filter((pod) => !pod.isOver && guardsPod(guard, pod, domains.rootNamespace));
  const none = pods.length === 0 ? [noPods(guard)] : withoutProxy(pods);
  if (isAccess(guard))
    return [
      ...none,
      ...foreignPrincipals(known, guard),
      ...longLists(guard),
      ...httpOnBytes(known, guard, pods),
      ...servicePortsOfRules(world, guard.spec, pods),
    ];
  if (!isModes(guard)) return none;
  if (isSpecific(guard.spec.selector) && guard.ref.namespace === domains.rootNamespace) return [selectorInRoot(guard)];
  if (pods.length === 0) return none;
  return [
    ...passedOver(known, guard, pods),
    ...none,
    ...plainCallers(known, pods),
    ...servicePortsOfModes(world, guard.spec, pods),
  ];
}
