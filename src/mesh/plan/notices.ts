import type { Service } from '../world/service.ts';
import { visibilityOf } from './visibility.ts';

/** Returns what a Service asks for that its clients in the mesh do not get, as sentences. */
export function noticesOf(service: Service): readonly string[] {
  if (service.externalName !== undefined) return [];
  const local =
    'spec.internalTrafficPolicy: Local is left to the nodes: connections go to its address without mutual TLS';
  const exported = `networking.istio.io/exportTo: ${service.exportTo} is not followed: it can be * or ~ only, so all namespaces know the Service`;
  return [
    ...(service.isNodeLocal ? [local] : []),
    ...(visibilityOf(service.exportTo) === 'some' ? [exported] : []),
    ...service.preferences.map((wish) => `${wish} is not followed: all ready endpoints are used alike`),
  ];
}
