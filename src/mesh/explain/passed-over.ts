import { chooseDestination } from '../plan/destination-choice.ts';
import { isExportedTo } from '../plan/export.ts';
import { isParent } from '../plan/gateway-parents.ts';
import { hostOf } from '../plan/host-name.ts';
import { protocolOf } from '../plan/protocol.ts';
import { guardFindings, guardsPod, isGuard } from '../plan/guarded-pods.ts';
import type { Hosted } from '../plan/rule-index.ts';
import { planTraffic, type Known } from '../plan/service-traffic.ts';
import type { View } from '../plan/view.ts';
import { isForSidecars } from '../plan/virtual-service-choice.ts';
import { describeFinding, type Finding } from '../rules/finding.ts';
import { objectKey, type ObjectRef } from '../rules/object-ref.ts';
import { securityRules } from '../rules/rule-kinds.ts';
import type { VirtualService } from '../rules/virtual-service.ts';
import type { Pod } from '../world/pod.ts';
import type { Service } from '../world/service.ts';

/** Something that the author of an object should know of the call. */
export interface Remark extends Finding {
  readonly ref: ObjectRef;
}

function nameOf({ namespace, name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

function remark(ref: ObjectRef, field: string, code: string, sentence: string): Remark {
  return { ref, field, code, sentence, effect: 'without-effect' };
}

function notExported(ref: ObjectRef, client: string): Remark {
  return remark(ref, '/spec/exportTo', 'NotExported', `is not exported to namespace ${client}, in which the client is`);
}

function fitsLess({ rule: { ref }, host }: Hosted<unknown>, best: string, field: string): Remark {
  return remark(ref, field, 'OtherHostFitsBetter', `${host} fits less well than ${best}, which another object names`);
}

/** Returns why VirtualServices that name the host of a Service do not count for clients of a namespace. */
function virtualServices({ index }: Known, host: string, client: string): readonly Remark[] {
  let first: Hosted<VirtualService> | undefined;
  return index.virtualServices(host).flatMap((hosted): readonly Remark[] => {
    const { ref, spec } = hosted.rule;
    if (!isForSidecars(spec)) {
      const sentence = 'is only for gateways: add "mesh" to count for pods';
      return [remark(ref, '/spec/gateways', 'ForGateways', sentence)];
    }
    if (!isExportedTo(spec.exportTo, ref.namespace, client)) return [notExported(ref, client)];
    first ??= hosted;
    return hosted.host === first.host || ref === first.rule.ref ? [] : [fitsLess(hosted, first.host, '/spec/hosts')];
  });
}

/** Returns why routes of Gateway API that have a Service as parent do not count for clients of a namespace that call a port. */
function routes({ index }: Known, service: Service, port: number, client: string): readonly Remark[] {
  const all = index.routes(service.key);
  const isAttached = ({ ref, spec }: (typeof all)[number]): boolean =>
    spec.parentRefs.some((parent) => isParent(parent, ref, service, port));
  const consumer = all.find((route) => isAttached(route) && route.ref.namespace === client);
  return all.flatMap((route): readonly Remark[] => {
    const { ref } = route;
    if (!isAttached(route))
      return [remark(ref, '/spec/parentRefs', 'OtherPort', `is attached to another port of the Service than ${port}`)];
    if (ref.namespace === client) return [];
    if (ref.namespace !== service.namespace) {
      const sentence = `counts only for clients in namespace ${ref.namespace}; for all clients, put it into ${service.namespace}, the namespace of the Service`;
      return [remark(ref, '/metadata/namespace', 'OwnNamespaceOnly', sentence)];
    }
    if (consumer === undefined) return [];
    const sentence = `${consumer.ref.kind} ${nameOf(consumer.ref)} of the client's own namespace stands above it`;
    return [remark(ref, '/spec/parentRefs', 'ConsumerRouteCounts', sentence)];
  });
}

/** Returns why DestinationRules that name the host of a Service do not count for clients of a namespace. */
function destinationRules(known: Known, service: Service, host: string, client: string): readonly Remark[] {
  const { index, domains } = known;
  const root = domains.rootNamespace;
  const chosen = chooseDestination(index, { host, namespace: service.namespace }, client, root);
  const [first] = chosen?.origins ?? [];
  const all = index.destinationRules(host);
  const best = all.find(({ rule }) => rule.ref === first)?.host ?? host;
  return all.flatMap((hosted): readonly Remark[] => {
    const { ref, spec } = hosted.rule;
    if (chosen?.origins.includes(ref) === true) return [];
    if (![client, service.namespace, root].includes(ref.namespace)) {
      const sentence = `counts only for clients in namespace ${ref.namespace}; for all clients, put it into ${service.namespace}, the namespace of ${host}`;
      return [remark(ref, '/metadata/namespace', 'OwnNamespaceOnly', sentence)];
    }
    if (ref.namespace !== client && !isExportedTo(spec.exportTo, ref.namespace, client))
      return [notExported(ref, client)];
    if (first === undefined || first.namespace === ref.namespace) return [fitsLess(hosted, best, '/spec/host')];
    const sentence = `DestinationRule ${nameOf(first)} decides alone: namespace ${first.namespace} comes before ${ref.namespace} for this client`;
    return [remark(ref, '/metadata/namespace', 'OtherNamespaceCounts', sentence)];
  });
}

/** Returns objects of the namespaces that are looked at which are refused: what they are about is not known. */
function refused({ world }: Known, namespaces: ReadonlySet<string>): readonly Remark[] {
  const { VirtualService, DestinationRule, HTTPRoute, GRPCRoute, RateLimit } = world.rules;
  return [VirtualService, DestinationRule, HTTPRoute, GRPCRoute, RateLimit].flatMap((kind) =>
    [...kind.values()].flatMap(({ ref, spec, findings }): readonly Remark[] => {
      if (spec !== undefined || !namespaces.has(ref.namespace)) return [];
      const because = findings.filter(({ effect }) => effect === 'refused').map(describeFinding);
      return [{ ref, field: '', effect: 'refused', code: 'Refused', sentence: because.join('; ') }];
    }),
  );
}

/** Returns what is to be said of objects that protect some pods. */
function guards(known: Known, pods: readonly Pod[]): readonly Remark[] {
  return securityRules(known.world.rules).flatMap((rule) => {
    if (!isGuard(rule) || !pods.some((pod) => guardsPod(rule, pod, known.domains.rootNamespace))) return [];
    return [...rule.findings, ...guardFindings(known, rule)].map((finding) => ({ ...finding, ref: rule.ref }));
  });
}

/**
 * Returns the objects about a Service that do not count for a call, each with the reason, and what is said of those that do.
 *
 * @param called the Service and the port that the client has called
 * @param backends other Services that the request may go to
 * @param pods those that the request may go to
 */
export function passedOver(
  known: Known,
  { namespace: client, labels }: View,
  called: { readonly service: Service; readonly port: number },
  backends: readonly Service[],
  pods: readonly Pod[],
): readonly Remark[] {
  const { cluster, rootNamespace } = known.domains;
  const { service, port } = called;
  const namespaces = new Set([client, rootNamespace, ...[service, ...backends].map((one) => one.namespace)]);
  const isTcp = service.ports.some((one) => one.number === port && protocolOf(one) === 'tcp');
  // What is said of the Service's other ports is no answer here.
  const isAbout = ({ code }: Finding): boolean => isTcp || code !== 'PortIsNotHttp';
  const said = new Map<string, readonly Finding[]>();
  for (const one of [service, ...backends])
    for (const [key, findings] of planTraffic(known, one.key, { namespace: client, labels }).findings)
      if (one === service || key.startsWith('DestinationRule '))
        said.set(key, [...(said.get(key) ?? []), ...findings.filter(isAbout)]);
  const rules = Object.values(known.world.rules).flatMap((kind) => [...kind.values()].map(({ ref }) => ref));
  const found = rules.flatMap((ref) => (said.get(objectKey(ref)) ?? []).map((finding) => ({ ...finding, ref })));
  const others = [
    ...virtualServices(known, hostOf(service, cluster), client),
    ...routes(known, service, port, client),
    ...[service, ...backends].flatMap((one) => destinationRules(known, one, hostOf(one, cluster), client)),
  ].filter(({ ref }) => !(said.get(objectKey(ref)) ?? []).some(({ effect }) => effect === 'without-effect'));
  return [...found, ...others, ...refused(known, namespaces), ...guards(known, pods)];
}
