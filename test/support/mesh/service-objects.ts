import type { JsonObject } from '../../../src/json/json.ts';
import type { MeshPod } from './mesh-scene.ts';

/** A slice: its family, its endpoints, and the number of each port by name. */
export type Slice = readonly [
  addressType: 'IPv4' | 'IPv6',
  endpoints: readonly JsonObject[],
  ports?: Readonly<Record<string, number>>,
];

/** A Service whose ports lead where each slice says. */
export function objectsOf(
  name: string,
  spec: JsonObject,
  ports: readonly JsonObject[],
  slices: readonly Slice[],
): readonly JsonObject[] {
  return [
    {
      kind: 'Service',
      metadata: { namespace: 'shop', name, uid: `service-${name}` },
      spec: { ...spec, ports: [...ports] },
    },
    ...slices.map(([addressType, endpoints, targets = {}], index) => ({
      kind: 'EndpointSlice',
      addressType,
      metadata: {
        namespace: 'shop',
        name: `${name}-${index}`,
        uid: `slice-${name}-${index}`,
        labels: { 'kubernetes.io/service-name': name },
      },
      ports: Object.entries(targets).map(([port, number]) => ({ name: port, port: number, protocol: 'TCP' })),
      endpoints: [...endpoints],
    })),
  ];
}

/** An endpoint of a slice that is a pod. */
export function endpointOf(
  pod: MeshPod,
  family: 'v4' | 'v6' = 'v4',
  conditions: JsonObject = { ready: true },
): JsonObject {
  const targetRef = { kind: 'Pod', namespace: 'shop', name: pod.name };
  return { addresses: [pod.network[family]], conditions, targetRef };
}

/** Addresses in a Service's `spec`. */
export function clusterIps(...addresses: readonly string[]): JsonObject {
  return { clusterIP: addresses[0] ?? '', clusterIPs: [...addresses] };
}
