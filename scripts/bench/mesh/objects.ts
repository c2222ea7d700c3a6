import type { JsonObject } from '../../../src/json/json.ts';
import { annotationNames } from '../../../src/pod/annotation-names.ts';
import { tokenMount, tokenVolume } from '../../../src/sidecars/standalone/mesh-membership.ts';

/** Audiences of the tokens of proxies. */
export const audience = { ours: 'sidecar-injector-mesh', istiod: 'istio-ca' } as const;

export const namespace = 'bench';
export const account = 'workload';

/** Endpoints of every Service. */
export const endpointsEach = 3;
/** Pods behind the Services: each is an endpoint of several. */
export const podCount = 300;

/** A pod of the mesh with its address. */
export interface BenchPod {
  readonly name: string;
  readonly address: string;
}

/** Pods that Services lead to. Nothing runs there. */
export const endpointPods: readonly BenchPod[] = Array.from({ length: podCount }, (_, index) => ({
  name: `pod-${index}`,
  address: `10.244.${Math.floor(index / 200)}.${1 + (index % 200)}`,
}));

/** Pods whose proxies are simulated, each with an address of this machine. */
export function proxyPods(count: number): readonly BenchPod[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `proxy-${index}`,
    address: `127.1.${Math.floor(index / 200)}.${1 + (index % 200)}`,
  }));
}

/** The pod as it is created; its status is set afterwards. */
export function podObject({ name }: BenchPod): JsonObject {
  const labels = { app: name, [annotationNames.tlsMode]: 'istio', 'service.istio.io/canonical-name': name };
  return {
    metadata: { name, namespace, labels },
    spec: {
      serviceAccountName: account,
      containers: [{ name: 'istio-proxy', image: 'registry.example/envoy:1', volumeMounts: [tokenMount] }],
      volumes: [tokenVolume({ audience: audience.ours })],
    },
  };
}

export function podStatus({ address }: BenchPod): JsonObject {
  const ready = { type: 'Ready', status: 'True' };
  return { status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }], conditions: [ready] } };
}

export function serviceName(index: number): string {
  return `service-${index}`;
}

/** Name of the cluster of a Service, which is Istio's. */
export function clusterOf(index: number): string {
  return `outbound|80||${serviceName(index)}.${namespace}.svc.cluster.local`;
}

/** Address of a Service in the range of the API server. */
export function serviceAddress(index: number): string {
  return `10.96.${1 + Math.floor(index / 200)}.${1 + (index % 200)}`;
}

export function serviceObject(index: number): JsonObject {
  return {
    metadata: { name: serviceName(index), namespace },
    spec: {
      clusterIP: serviceAddress(index),
      ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
    },
  };
}

/** A VirtualService for a Service. */
export function routeObject(index: number, timeoutSeconds: number): JsonObject {
  const route = [{ destination: { host: serviceName(index) } }];
  return {
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name: serviceName(index), namespace },
    spec: { hosts: [serviceName(index)], http: [{ route, timeout: `${timeoutSeconds}s` }] },
  };
}

/** The EndpointSlice of a Service; another `shift` leads to other pods. */
export function sliceObject(index: number, shift = 0): JsonObject {
  const first = index * endpointsEach + shift;
  const pods = Array.from({ length: endpointsEach }, (_, turn) => endpointPods[(first + turn) % podCount]);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    metadata: { name: serviceName(index), namespace, labels: { 'kubernetes.io/service-name': serviceName(index) } },
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: pods.flatMap((pod) =>
      pod === undefined
        ? []
        : {
            addresses: [pod.address],
            conditions: { ready: true },
            targetRef: { kind: 'Pod', namespace, name: pod.name },
          },
    ),
  };
}
