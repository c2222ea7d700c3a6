import { loopbackSource } from '../pod/conventions.ts';
import type { JsonObject } from '../json/json.ts';
import { socketAddress } from './extension.ts';
import type { PodSettings } from '../settings/effective.ts';

/** Families of the pod's addresses. With v4 alone, nothing binds to IPv6. */
export type Families = PodSettings['capture']['families'];

/**
 * Returns the address that a listener binds to. One socket serves both families. IPv4 alone is bound only if the
 * settings say so, because a kernel without IPv6 rejects `::`.
 */
export function listenAddress(port: number, families: Families): JsonObject {
  const hasV6 = families.includes('v6');
  return socketAddress(hasV6 ? '::' : '0.0.0.0', port, { ipv4_compat: hasV6 });
}

function source(address: string): JsonObject {
  return { address, port_value: 0 };
}

const [v4, v6] = [source(loopbackSource.v4), source(loopbackSource.v6)];
const bindings = {
  v4: { source_address: v4 },
  v6: { source_address: v6 },
  both: { source_address: v4, extra_source_addresses: [{ address: v6 }] },
} as const;

/**
 * Returns the `envoy.config.core.v3.BindConfig` of the proxy's connections to the application. The capture rules exempt
 * exactly these source addresses. Envoy picks the one of the destination's family.
 */
export function applicationBinding(families: Families): JsonObject {
  if (!families.includes('v6')) return bindings.v4;
  return families.includes('v4') ? bindings.both : bindings.v6;
}
