import { objectMember, type JsonObject } from '../../../src/json/json.ts';
import { extension, typed } from '../../../src/envoy/extension.ts';
import type { HttpSide } from '../mesh/access-envoy.ts';
import { translateAll } from './translator.ts';

/** What istiod makes of policies that govern one pod: filters of requests, and of connections without HTTP. */
export interface IstioFilters {
  readonly http: readonly JsonObject[];
  readonly tcp: readonly JsonObject[];
}

/** Returns what istiod's translator makes of each list of policies. */
export function translateLikeIstiod(all: readonly (readonly JsonObject[])[]): readonly IstioFilters[] {
  return translateAll('ISTIO_AUTHORIZATION_BIN', all) as readonly IstioFilters[];
}

const names = ['first', 'second', 'third'];
const type = 'envoy.extensions.filters.http.rbac.v3.RBAC';

/** Returns the filters of istiod as ones that routes tell what to do, in the connection manager that it makes: paths are normalized. */
export function istioSide(all: readonly (readonly JsonObject[])[]): HttpSide {
  return {
    filters: names.map((name) => ({ ...extension(name, type), disabled: true })),
    manager: { normalize_path: true },
    routes: all.map((filters) =>
      Object.fromEntries(
        filters.map((filter, index) => {
          const { '@type': _, ...rbac } =
            objectMember(filter, 'typed_config') ?? objectMember(filter, 'typedConfig') ?? {};
          return [names[index] ?? '', typed(`${type}PerRoute`, { rbac })];
        }),
      ),
    ),
  };
}
