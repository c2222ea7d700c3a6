import type { RouteContext } from '../../../src/mesh/plan/route-context.ts';
import type { Backend, HashKey } from '../../../src/mesh/plan/route-plan.ts';
import { anyClient, type View } from '../../../src/mesh/plan/view.ts';
import { readService, type Service } from '../../../src/mesh/world/service.ts';

/** A Service with these ports. */
export function serviceWith(namespace: string, name: string, ports: readonly number[]): Service {
  return readService({
    metadata: { namespace, name },
    spec: { clusterIP: '10.96.0.5', ports: ports.map((port) => ({ name: `http-${port}`, port })) },
  });
}

/** What a cluster knows, for translating routes. */
export interface KnownCluster {
  readonly services: readonly Service[];
  /** Names of subsets by key of their Service. */
  readonly subsets?: Readonly<Record<string, readonly string[]>>;
  readonly hash?: HashKey;
  readonly view?: View;
}

/** The context of calls to a port of the first Service. */
export function contextOf({ services, subsets = {}, hash, view = anyClient }: KnownCluster, port = 80): RouteContext {
  const hostOf = ({ name, namespace }: Service): string => `${name}.${namespace}.svc.cluster.local`;
  const [service] = services;
  if (service === undefined) throw new Error('there is no Service to be called');
  return {
    view,
    service,
    port,
    hostOf,
    serviceAt: (namespace, name) => services.find(({ key }) => key === `${namespace}/${name}`),
    serviceOf: (host) => services.find((one) => hostOf(one) === host),
    hasSubset: ({ service: key, subset }: Backend) => subset === undefined || subsets[key]?.includes(subset) === true,
    ruleOfClients: () => undefined,
    hashOf: () => hash,
  };
}
