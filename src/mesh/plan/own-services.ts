import { serviceText } from '../../envoy/flows.ts';
import { serverNameOf } from '../../envoy/mesh-tls.ts';
import type { World } from '../world/world.ts';
import { protocolOf } from './protocol.ts';
import type { Domains } from './service-plan.ts';

/** Names that one proxy gets at most. Calls by the others are counted for the canonical service of the pod. */
const most = 1_000;

/** Returns the keys of the pods that endpoints of a Service lead to. */
function podsOf(world: World, service: string): ReadonlySet<string> {
  const slices = [...(world.slicesOfService.get(service) ?? [])].flatMap((key) => world.slice.get(key) ?? []);
  return new Set(
    slices.flatMap(({ endpoints }) =>
      endpoints.flatMap(({ pod, address }) => pod ?? [...(world.podsOfAddress.get(address) ?? [])]),
    ),
  );
}

/** Returns the keys of the Services that have an endpoint at a pod. */
export function servicesOfPod(world: World, pod: string): ReadonlySet<string> {
  const { addresses = [] } = world.pod.get(pod) ?? {};
  const slices = [pod, ...addresses].flatMap((place) => [...(world.slicesOfPod.get(place) ?? [])]);
  return new Set(slices.flatMap((key) => world.slice.get(key)?.service ?? []));
}

/** Returns the keys of the pods whose Services differ between two worlds, given the Services that may. */
export function podsWithOtherServices(
  before: World,
  after: World,
  { services, endpoints }: { readonly services: Iterable<string>; readonly endpoints: Iterable<string> },
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const key of services) for (const world of [before, after]) for (const pod of podsOf(world, key)) found.add(pod);
  for (const key of endpoints) {
    const [had, has] = [podsOf(before, key), podsOf(after, key)];
    for (const pod of had) if (!has.has(pod)) found.add(pod);
    for (const pod of has) if (!had.has(pod)) found.add(pod);
  }
  return found;
}

/**
 * Returns what metrics say of the Services that lead to a pod, by the TLS server name by which clients of the mesh call them. Only
 * those of its own namespace count: slices elsewhere can name any pod.
 */
export function ownServices(world: World, pod: string, domains: Domains): Readonly<Record<string, string>> {
  const namespace = world.pod.get(pod)?.namespace;
  const found = [...servicesOfPod(world, pod)].flatMap((key) => {
    const service = world.service.get(key);
    if (service === undefined || service.namespace !== namespace || service.externalName !== undefined) return [];
    const host = `${service.name}.${namespace}.svc.${domains.cluster}`;
    return service.ports
      .filter((port) => protocolOf(port) !== 'none')
      .map(({ number }) => [serverNameOf(number, host), serviceText(host, service.name, namespace)] as const);
  });
  return Object.fromEntries(found.toSorted(([a], [b]) => (a < b ? -1 : 1)).slice(0, most));
}
