import type { JsonObject } from '../../../src/json/json.ts';
import { translateAll } from './translator.ts';

/** A Service of HTTP, whose endpoints are pods with these labels. */
export interface CalledService {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  readonly ports: readonly number[];
  readonly endpoints: readonly { readonly address: string; readonly labels: Readonly<Record<string, string>> }[];
}

/** Services, what objects say about them, and the pod that calls. */
export interface CalledMesh {
  readonly services: readonly CalledService[];
  readonly objects: readonly JsonObject[];
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What istiod sends to the proxy of the pod, or what Istio's validation says against the objects. */
export interface IstioResources {
  readonly refused?: string;
  readonly listeners?: readonly JsonObject[];
  readonly routes?: readonly JsonObject[];
  readonly clusters?: readonly JsonObject[];
  readonly endpoints?: readonly JsonObject[];
}

/** Returns what istiod's translator makes of each mesh. */
export function translateRoutesLikeIstiod(meshes: readonly CalledMesh[]): readonly IstioResources[] {
  const given = meshes.map(({ services, ...mesh }) => ({
    ...mesh,
    services: services.map(({ ports, ...service }) => ({
      ...service,
      host: `${service.name}.${service.namespace}.svc.cluster.local`,
      ports: ports.map((number) => ({ name: `http-${number}`, number })),
    })),
  }));
  return translateAll('ISTIO_ROUTES_BIN', given) as readonly IstioResources[];
}
