import { loopbackSource } from '../pod/conventions.ts';
import type { JsonObject } from '../json/json.ts';
import { socketAddress } from './extension.ts';
import type { Effective } from '../settings/effective.ts';

/** Families of the pod's addresses; with v4 alone nothing binds to IPv6. */
export type Families = Effective['capture']['families'];

/**
 * Where a listener binds. One socket takes both families; IPv4 alone is bound only when the settings say so (a kernel
 * without IPv6 refuses `::`).
 */
export function listenAddress(port: number, families: Families): JsonObject {
  const hasV6 = families.includes('v6');
  return socketAddress(hasV6 ? '::' : '0.0.0.0', port, { ipv4_compat: hasV6 });
}

function source(address: string): JsonObject {
  return { address, port_value: 0 };
}

/**
 * `envoy.config.core.v3.BindConfig` of the proxy's connections to the application. The capture rules let exactly these
 * sources pass by; Envoy picks the one of the destination's family.
 */
export function applicationBinding(families: Families): JsonObject {
  const [v4, v6] = [source(loopbackSource.v4), source(loopbackSource.v6)];
  if (!families.includes('v6')) return { source_address: v4 };
  if (!families.includes('v4')) return { source_address: v6 };
  return { source_address: v4, extra_source_addresses: [{ address: v6 }] };
}
