import { quote } from '../../grammar/problem.ts';
import { didYouMean } from '../../grammar/suggestion.ts';
import { hostOf } from '../plan/host-name.ts';
import type { Known } from '../plan/service-traffic.ts';
import type { Service } from '../world/service.ts';

/** What a client dials for a name: an address, and the Service that it is one of. */
export interface Destination {
  readonly address: string;
  readonly service: Service | undefined;
  /** How many addresses the name has; the first one is explained. */
  readonly addresses: number;
}

/** Names that a resolver tries for one that is written in a pod (`ndots:5`, the search list of Kubernetes). */
function searched(host: string, namespace: string, cluster: string): readonly string[] {
  const name = host.toLowerCase().replace(/\.$/, '');
  const whole = host.endsWith('.')
    ? [name]
    : [`${name}.${namespace}.svc.${cluster}`, `${name}.svc.${cluster}`, `${name}.${cluster}`, name];
  return whole;
}

function isAddress(host: string): boolean {
  return host.includes(':') || /^\d+(?:\.\d+){3}$/.test(host);
}

/** Returns the Service that a client calls by an address: one of its own, or, if it is headless, one of its endpoints. */
function serviceAt({ world }: Known, address: string): Service | undefined {
  const services = [...world.service.values()];
  const ofEndpoints = (service: Service): boolean => endpointAddresses(world, service).includes(address);
  return (
    services.find(({ addresses }) => addresses.includes(address)) ??
    services.find((service) => service.isHeadless && ofEndpoints(service))
  );
}

function endpointAddresses(world: Known['world'], service: Service, hostname?: string): readonly string[] {
  const slices = [...(world.slicesOfService.get(service.key) ?? [])]
    .toSorted()
    .flatMap((key) => world.slice.get(key) ?? []);
  const endpoints = slices
    .flatMap((slice) => slice.endpoints)
    .filter((one) => hostname === undefined || one.hostname === hostname);
  return [...new Set(endpoints.filter(({ isReady }) => isReady).map(({ address }) => address))];
}

/**
 * Finds what a client of a namespace dials for a host, as DNS of Kubernetes answers: a name of a Service, complete or not, that of a
 * pod of a headless Service, or an address.
 *
 * @returns the sentence that says why nothing can be dialled
 */
export function findDestination(
  known: Known,
  host: string,
  namespace: string,
): Destination | { readonly problem: string } {
  const { world, domains } = known;
  if (isAddress(host)) return { address: host, service: serviceAt(known, host), addresses: 1 };
  for (const name of searched(host, namespace, domains.cluster)) {
    const suffix = `.svc.${domains.cluster}`;
    if (!name.endsWith(suffix)) continue;
    const parts = name.slice(0, -suffix.length).split('.');
    const [owner = '', own = '', hostname, ...rest] = parts.toReversed();
    const service = world.service.get(`${owner}/${own}`);
    if (service === undefined || rest.length > 0) continue;
    if (service.externalName !== undefined)
      return {
        problem: `Service ${service.key} is another name of ${service.externalName}, which no Service stands for`,
      };
    const addresses =
      service.isHeadless || hostname !== undefined ? endpointAddresses(world, service, hostname) : service.addresses;
    const [address] = addresses;
    if (address === undefined)
      return {
        problem: `${quote(host)} is Service ${service.key}, which has no ${service.isHeadless ? 'ready endpoint' : 'address'}`,
      };
    return { address, service, addresses: addresses.length };
  }
  const names = [...world.service.values()].map((one) => hostOf(one, domains.cluster));
  const complete = host.includes('.') ? host : `${host}.${namespace}.svc.${domains.cluster}`;
  return { problem: `there is no Service ${complete}${didYouMean(complete, names)}` };
}
