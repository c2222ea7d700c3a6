import type { DestinationRule } from '../rules/destination-rule.ts';
import type { Finding } from '../rules/finding.ts';
import type { VirtualService } from '../rules/virtual-service.ts';
import { didYouMean } from '../../grammar/suggestion.ts';
import { quote } from '../../grammar/problem.ts';
import { completeHost, fitOf, hostOf, serviceOf } from './host-name.ts';
import type { Usable } from './rule-index.ts';
import type { Known } from './service-traffic.ts';

/** Returns whether a complete host of a rule is the name of a Service, or has a wildcard that fits one. */
function namesService({ world, domains }: Known, host: string): boolean {
  if (!host.startsWith('*')) return serviceOf(world, host, domains.cluster) !== undefined;
  for (const service of world.service.values())
    if (fitOf(host, hostOf(service, domains.cluster)) !== undefined) return true;
  return false;
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
  return spec.hosts.flatMap((host, index): readonly Finding[] =>
    namesService(known, completeHost(host, ref.namespace, known.domains.cluster))
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
}

/** Returns why a DestinationRule counts for nobody, or only for some clients. */
export function unreachedClients(known: Known, { ref, spec }: Usable<DestinationRule>): readonly Finding[] {
  const { cluster, rootNamespace } = known.domains;
  const host = completeHost(spec.host, ref.namespace, cluster);
  if (!namesService(known, host)) {
    const sentence = unknownHost(known, spec.host, ref.namespace);
    return [{ field: '/spec/host', effect: 'without-effect', code: 'NoSuchHost', sentence }];
  }
  const service = serviceOf(known.world, host, cluster);
  if (service === undefined || [service.namespace, rootNamespace].includes(ref.namespace)) return [];
  const sentence = `counts only for clients in namespace ${ref.namespace}; for all clients, put it into ${service.namespace}, the namespace of ${host}`;
  return [{ field: '/metadata/namespace', effect: 'warning', code: 'OwnNamespaceOnly', sentence }];
}
