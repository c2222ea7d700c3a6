import type { JsonObject } from '../../../src/json/json.ts';

/** An object of Istio in the namespace `shop`. */
export function istioObject(kind: string, name: string, spec: JsonObject, more: JsonObject = {}): JsonObject {
  const metadata = { name, namespace: 'shop', uid: `${kind}-${name}`, generation: 1, ...more };
  return { apiVersion: 'networking.istio.io/v1', kind, metadata, spec };
}
