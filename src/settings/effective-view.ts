import type { PodSettings } from './effective.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { PortRange } from '../grammar/port-range.ts';

function isRange(value: object): value is PortRange {
  return 'first' in value && 'last' in value;
}

function plain(value: unknown): Json | undefined {
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return items.flatMap((item) => plain(item) ?? []);
  }
  if (typeof value !== 'object' || value === null) return value as Json | undefined;
  if (isRange(value)) return value.first === value.last ? value.first : `${value.first}-${value.last}`;
  const entries = Object.entries(value).map(([key, item]) => [key, plain(item)] as const);
  return Object.fromEntries(entries.filter(([, item]) => item !== undefined && !isEmpty(item)));
}

function isEmpty(value: Json | undefined): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0 && !Array.isArray(value);
}

/**
 * The effective settings as plain JSON for users, without undefined fields. Additions of the pod are shown by name only,
 * because their values may be confidential, and patches of a profile by their number of operations.
 */
export function viewEffective(effective: PodSettings): JsonObject {
  const { showSettings: _, proxy, mesh, patches, ...rest } = effective;
  const { additions } = proxy;
  const named = (list: readonly { readonly name: string }[]): string[] | undefined =>
    list.length === 0 ? undefined : list.map(({ name }) => name);
  const shown = {
    ...rest,
    mesh: mesh && { address: mesh.address, audience: mesh.audience },
    proxy: {
      ...proxy,
      additions: {
        env: named(additions.env),
        volumes: named(additions.volumes),
        volumeMounts: named(additions.volumeMounts),
      },
    },
    patches: { proxy: patches.proxy.length || undefined, init: patches.init.length || undefined },
  };
  return plain(shown) as JsonObject;
}
