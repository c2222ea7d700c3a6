import type { JsonObject } from '../../../src/json/json.ts';
import { injectedParts } from './injected-parts.ts';

/*
 * A cluster with the Service `cart` of the namespace `shop`, and pods of it.
 */

/** A Service with a port 80 of HTTP and a port 81 of TCP. */
export function service(name: string, clusterIP: string, namespace = 'shop'): JsonObject {
  const ports = [
    { name: 'http', port: 80 },
    { name: 'tcp', port: 81 },
  ];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name, uid: name },
    spec: { clusterIP, clusterIPs: [clusterIP], ports },
  };
}

/** A pod of a version. */
export function pod(name: string, ip: string, version: string, isMesh = true): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'shop',
      name,
      uid: name,
      labels: { app: 'cart', version, ...(isMesh && { 'security.istio.io/tlsMode': 'istio' }) },
    },
    spec: { serviceAccountName: 'cart', ...(isMesh ? injectedParts() : { containers: [] }) },
    status: { phase: 'Running', podIPs: [{ ip }] },
  };
}

/** The endpoints of `cart`, each by the pod's name. */
export function slice(
  endpoints: Readonly<Record<string, { readonly ip: string; readonly ready?: boolean }>>,
): JsonObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    metadata: { namespace: 'shop', name: 'cart', uid: 'cart', labels: { 'kubernetes.io/service-name': 'cart' } },
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'tcp', port: 8081, protocol: 'TCP' },
    ],
    endpoints: Object.entries(endpoints).map(([name, { ip, ready = true }]) => ({
      addresses: [ip],
      conditions: { ready },
      targetRef: { kind: 'Pod', namespace: 'shop', name },
    })),
  };
}

/** Two versions of `cart`: the first is a pod of the mesh, the second has no proxy. */
export const cart: readonly JsonObject[] = [
  service('cart', '10.96.0.1'),
  pod('cart-1', '10.1.0.1', 'v1'),
  pod('cart-2', '10.1.0.2', 'v2', false),
  slice({ 'cart-1': { ip: '10.1.0.1' }, 'cart-2': { ip: '10.1.0.2' } }),
];

/** A rule, as old as its number. */
export function rule(kind: string, name: string, spec: JsonObject, namespace = 'shop', age = 1): JsonObject {
  const group = kind.endsWith('Route') ? 'gateway.networking.k8s.io' : 'networking.istio.io';
  const creationTimestamp = `2026-01-${String(30 - age).padStart(2, '0')}T00:00:00Z`;
  return {
    apiVersion: `${group}/v1`,
    kind,
    metadata: { namespace, name, uid: `${kind}-${name}`, generation: 1, creationTimestamp },
    spec,
  };
}
