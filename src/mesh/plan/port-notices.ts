import type { Finding } from '../rules/finding.ts';
import type { AuthorizationPolicy } from '../rules/security/authorization-policy.ts';
import type { PeerAuthentication } from '../rules/security/peer-authentication.ts';
import { escapeToken } from '../../json/operation.ts';
import type { Pod } from '../world/pod.ts';
import type { World } from '../world/world.ts';
import { servicesOfPod } from './own-services.ts';
import { protocolOf, type Protocol } from './protocol.ts';

/** A port that a Service leads to pods. */
export interface LeadingPort {
  readonly service: string;
  readonly number: number;
  readonly protocol: Protocol;
  /** Where the pods listen, as far as slices say. */
  readonly targets: ReadonlySet<number>;
}

/** Returns the ports of all Services that have an endpoint at one of some pods, in the order of their names. */
export function leadingPorts(world: World, pods: readonly Pod[]): readonly LeadingPort[] {
  const services = [...new Set(pods.flatMap(({ key }) => [...servicesOfPod(world, key)]))].toSorted();
  return services.flatMap((key) => {
    const slices = [...(world.slicesOfService.get(key) ?? [])].flatMap((slice) => world.slice.get(slice) ?? []);
    return (world.service.get(key)?.ports ?? []).map((port): LeadingPort => {
      const targets = slices.flatMap(({ ports }) =>
        ports.flatMap((one) => (one.name === port.name ? (one.number ?? []) : [])),
      );
      return { service: key, number: port.number, protocol: protocolOf(port), targets: new Set(targets) };
    });
  });
}

/** A port that an object names, and where. */
type NamedPort = readonly [field: string, port: number];

function servicePorts(world: World, pods: readonly Pod[], named: readonly NamedPort[]): readonly Finding[] {
  if (named.length === 0) return [];
  const leading = leadingPorts(world, pods);
  const listened = new Set(leading.flatMap(({ targets }) => [...targets]));
  return named.flatMap(([field, port]): Finding[] => {
    const meant = leading.find(({ number, targets }) => number === port && targets.size > 0);
    if (meant === undefined || listened.has(port)) return [];
    const sentence = `${port} is a port of Service ${meant.service}, and its pods listen on ${[...meant.targets].join(', ')}: ports are those of containers`;
    return [{ field, effect: 'warning', code: 'PortOfService', sentence }];
  });
}

/** Ports of a PeerAuthentication that are Services' instead of the pods'. */
export function servicePortsOfModes(
  world: World,
  { portLevelMtls = {} }: PeerAuthentication,
  pods: readonly Pod[],
): readonly Finding[] {
  const named = Object.keys(portLevelMtls).map((port): NamedPort => [
    `/spec/portLevelMtls/${escapeToken(port)}`,
    Number(port),
  ]);
  return servicePorts(world, pods, named);
}

/** Ports of an AuthorizationPolicy that are Services' instead of the pods'. */
export function servicePortsOfRules(
  world: World,
  { rules }: AuthorizationPolicy,
  pods: readonly Pod[],
): readonly Finding[] {
  const listed = (list: readonly string[] | undefined, field: string): readonly NamedPort[] =>
    (list ?? []).map((port, index) => [`${field}/${index}`, Number(port)]);
  const named = rules.flatMap(({ to = [], when = [] }, rule) => [
    ...to.flatMap(({ operation: { ports, notPorts } }, index) => {
      const at = `/spec/rules/${rule}/to/${index}/operation`;
      return [...listed(ports, `${at}/ports`), ...listed(notPorts, `${at}/notPorts`)];
    }),
    ...when.flatMap(({ key, values, notValues }, index) => {
      const at = `/spec/rules/${rule}/when/${index}`;
      return key === 'destination.port'
        ? [...listed(values, `${at}/values`), ...listed(notValues, `${at}/notValues`)]
        : [];
    }),
  ]);
  return servicePorts(world, pods, named);
}
