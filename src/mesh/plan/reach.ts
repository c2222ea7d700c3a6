import type { DestinationRule } from '../rules/destination-rule.ts';
import type { Finding } from '../rules/finding.ts';
import type { VirtualService } from '../rules/virtual-service.ts';
import { didYouMean } from '../../grammar/suggestion.ts';
import { quote } from '../../grammar/problem.ts';
import { isService, type HttpRoute } from '../rules/gateway-route.ts';
import type { ObjectRef } from '../rules/object-ref.ts';
import type { Service } from '../world/service.ts';
import { missingParent } from './gateway-parents.ts';
import { completeHost, fitOf, hostOf, serviceOf } from './host-name.ts';
import type { Usable } from './rule-index.ts';
import type { Known } from './service-traffic.ts';

/** Returns the Services that a host of a rule means: the one of that name, or those that its wildcard fits. */
export function servicesAt(
  { world, domains }: Pick<Known, 'world' | 'domains'>,
  written: string,
  namespace: string,
): readonly Service[] {
  const host = completeHost(written, namespace, domains.cluster);
  if (!host.startsWith('*')) {
    const service = serviceOf(world, host, domains.cluster);
    return service === undefined ? [] : [service];
  }
  return [...world.service.values()].filter((one) => fitOf(host, hostOf(one, domains.cluster)) !== undefined);
}

/** Returns findings about ports that none of the Services has; if there are no Services, that is another finding. */
function missingPorts(
  services: readonly Service[],
  named: readonly { readonly field: string; readonly port: number | undefined }[],
): readonly Finding[] {
  if (services.length === 0) return [];
  const ports = [...new Set(services.flatMap((service) => service.ports.map(({ number }) => number)))];
  return named.flatMap(({ field, port }): readonly Finding[] => {
    if (port === undefined || ports.includes(port)) return [];
    const those = services.map(({ namespace, name }) => `${namespace}/${name}`).toSorted();
    const who = those.length === 1 ? `Service ${those[0]} has no` : 'none of the Services has a';
    const has = ports.toSorted((one, other) => one - other).join(', ');
    const sentence = `${who} port ${port}; write a port of the Service, not of its pods: ${has}`;
    return [{ field, effect: 'warning', code: 'NoSuchPort', sentence }];
  });
}

function unknownHost({ world, domains }: Known, written: string, namespace: string): string {
  const host = completeHost(written, namespace, domains.cluster);
  // Istio's rule, and the most common mistake: what has a dot is complete.
  const [name = '', owner = ''] = written.split('.');
  const meant = written.includes('.') ? world.service.get(`${owner}/${name}`) : undefined;
  if (meant !== undefined) return `${quote(written)} is no Service; write ${hostOf(meant, domains.cluster)}`;
  const known = [...world.service.values()].map((service) => hostOf(service, domains.cluster));
  return `there is no Service ${host}${didYouMean(host, known)}`;
}

/** Returns what a VirtualService says about hosts that are none of the mesh, if it is for the mesh at all. */
export function unreachedHosts(known: Known, { ref, spec }: Usable<VirtualService>): readonly Finding[] {
  if (spec.gateways !== undefined && spec.gateways.length > 0 && !spec.gateways.includes('mesh')) return [];
  const services = spec.hosts.map((host) => servicesAt(known, host, ref.namespace));
  const unknown = spec.hosts.flatMap((host, index): readonly Finding[] =>
    services[index]?.length !== 0
      ? []
      : [
          {
            field: `/spec/hosts/${index}`,
            effect: 'without-effect',
            code: 'NoSuchHost',
            sentence: unknownHost(known, host, ref.namespace),
          },
        ],
  );
  const ports = spec.http.flatMap(({ match = [] }, at) =>
    match.map(({ port }, index) => ({ field: `/spec/http/${at}/match/${index}/port`, port })),
  );
  return [...unknown, ...missingPorts([...new Set(services.flat())], ports)];
}

/** Returns what policies of a DestinationRule say of ports. */
function portsOfPolicies({ trafficPolicy, subsets = [] }: DestinationRule) {
  const all = [
    { policy: trafficPolicy, at: '/spec/trafficPolicy' },
    ...subsets.map((subset, index) => ({ policy: subset.trafficPolicy, at: `/spec/subsets/${index}/trafficPolicy` })),
  ];
  return all.flatMap(({ policy, at }) =>
    (policy?.portLevelSettings ?? []).map(({ port }, index) => ({
      field: `${at}/portLevelSettings/${index}/port/number`,
      port: port.number,
    })),
  );
}

/** Returns why a DestinationRule counts for nobody, only for some clients, or not for what it says of ports. */
export function unreachedClients(known: Known, { ref, spec }: Usable<DestinationRule>): readonly Finding[] {
  const { cluster, rootNamespace } = known.domains;
  const services = servicesAt(known, spec.host, ref.namespace);
  if (services.length === 0) {
    const sentence = unknownHost(known, spec.host, ref.namespace);
    return [{ field: '/spec/host', effect: 'without-effect', code: 'NoSuchHost', sentence }];
  }
  const ports = missingPorts(services, portsOfPolicies(spec));
  const host = completeHost(spec.host, ref.namespace, cluster);
  const [service] = host.startsWith('*') ? [] : services;
  if (service === undefined || [service.namespace, rootNamespace].includes(ref.namespace)) return ports;
  const sentence = `counts only for clients in namespace ${ref.namespace}; for all clients, put it into ${service.namespace}, the namespace of ${host}`;
  return [...ports, { field: '/metadata/namespace', effect: 'warning', code: 'OwnNamespaceOnly', sentence }];
}

/** Returns what a route of Gateway API says about parents that are no Service, or none with such a port. */
export function unreachedParents(
  { world }: Known,
  { ref, spec }: { readonly ref: ObjectRef; readonly spec: Pick<HttpRoute, 'parentRefs'> },
): readonly Finding[] {
  return spec.parentRefs.flatMap((parent, index): readonly Finding[] => {
    const service = world.service.get(`${parent.namespace ?? ref.namespace}/${parent.name}`);
    const sentence = isService(parent) ? missingParent(parent, ref, service) : undefined;
    if (sentence === undefined) return [];
    return [{ field: `/spec/parentRefs/${index}`, effect: 'without-effect', code: 'NoMatchingParent', sentence }];
  });
}
