import { objectMember, objectsMember, stringMember, type JsonObject } from '../../../src/json/json.ts';
import { clientResources } from '../../../src/mesh/explain/client-resources.ts';
import type { Resource } from '../../../src/mesh/resources/resource.ts';
import { clientOf, knownOf } from '../mesh/explained.ts';
import type { Proxied } from './routed-envoy.ts';
import type { CalledMesh, CalledService, IstioResources } from './routes.ts';

/** The name of a Service, and one of its ports. */
export type Called = readonly [service: string, port: number];

/** What the API server would say of Services. */
export function clusterObjects(services: readonly CalledService[]): readonly JsonObject[] {
  return services.flatMap(({ name, namespace, address, ports, endpoints }) => [
    {
      kind: 'Service',
      metadata: { name, namespace, uid: name },
      spec: {
        clusterIP: address,
        clusterIPs: [address],
        ports: ports.map((port) => ({ name: `http-${port}`, port })),
      },
    },
    {
      kind: 'EndpointSlice',
      addressType: 'IPv4',
      metadata: { name, namespace, uid: `slice-${name}`, labels: { 'kubernetes.io/service-name': name } },
      ports: ports.map((port) => ({ name: `http-${port}`, port, protocol: 'TCP' })),
      endpoints: endpoints.map((one) => ({
        addresses: [one.address],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', namespace, name: one.address },
      })),
    },
    ...endpoints.map((one) => ({
      kind: 'Pod',
      metadata: { name: one.address, namespace, uid: one.address, labels: one.labels },
      spec: {},
      status: { podIPs: [{ ip: one.address }] },
    })),
  ]);
}

function managersOf(listener: JsonObject | undefined): readonly JsonObject[] {
  return objectsMember(listener, 'filter_chains')
    .flatMap((chain) => objectsMember(chain, 'filters'))
    .filter((filter) =>
      (stringMember(objectMember(filter, 'typed_config'), '@type') ?? '').endsWith('HttpConnectionManager'),
    );
}

/** Returns what the proxy of the pod that calls is told here of each call. */
export function ourProxies(mesh: CalledMesh, called: readonly Called[]): readonly Proxied[] {
  const { services, objects, namespace, labels } = mesh;
  const known = knownOf([...clusterObjects(services), ...objects]);
  const resources = clientResources(known, clientOf(known, namespace, labels));
  const of = (kind: Resource['kind']): readonly JsonObject[] =>
    resources.filter((one) => one.kind === kind).map(({ json }) => json);
  return called.map(([name, port]) => {
    const service = services.find((one) => one.name === name);
    const listener = of('listener').find((one) => one['name'] === `${service?.address}_${port}`);
    const routes = of('routes').find(
      (one) => one['name'] === `outbound|${port}||${name}.${service?.namespace}.svc.cluster.local`,
    );
    return {
      manager: managersOf(listener)[0] ?? {},
      routes: routes ?? {},
      clusters: of('cluster'),
      endpoints: of('endpoints'),
    };
  });
}

/** Returns what istiod tells it. */
export function istioProxies(resources: IstioResources, called: readonly Called[]): readonly Proxied[] {
  const { listeners = [], routes = [], clusters = [], endpoints = [] } = resources;
  return called.map(([, port]) => ({
    manager: managersOf(listeners.find((one) => one['name'] === `0.0.0.0_${port}`))[0] ?? {},
    routes: routes.find((one) => one['name'] === String(port)) ?? {},
    clusters,
    endpoints,
  }));
}
