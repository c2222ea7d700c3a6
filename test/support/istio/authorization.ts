import { spawnSync } from 'node:child_process';
import { objectMember, type JsonObject } from '../../../src/json/json.ts';
import { extension, typed } from '../../../src/envoy/extension.ts';
import type { HttpSide } from '../mesh/access-envoy.ts';

/** What istiod makes of policies that govern one pod: filters of requests, and of connections without HTTP. */
export interface IstioFilters {
  readonly http: readonly JsonObject[];
  readonly tcp: readonly JsonObject[];
}

/** Returns what istiod's translator makes of each list of policies. */
export function translateLikeIstiod(all: readonly (readonly JsonObject[])[]): readonly IstioFilters[] {
  const program = process.env['ISTIO_AUTHORIZATION_BIN'];
  if (program === undefined) throw new Error('ISTIO_AUTHORIZATION_BIN is not set: run `make test-istio`');
  const input = all.map((policies) => `${JSON.stringify(policies)}\n`).join('');
  const { status, stdout, stderr } = spawnSync(program, { input, encoding: 'utf8', maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(stderr);
  return (
    stdout
      .split('\n')
      // Istio's own log goes there as well.
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as IstioFilters)
  );
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
