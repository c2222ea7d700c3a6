import { loopbackSource } from '../pod/conventions.ts';
import type { JsonObject } from '../json/json.ts';
import { socketAddress } from './extension.ts';
import type { ProxyIntent } from './intent.ts';

type Families = ProxyIntent['families'];

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

const [v4, v6] = [source(loopbackSource.v4), source(loopbackSource.v6)];
const bindings = {
  v4: { source_address: v4 },
  v6: { source_address: v6 },
  both: { source_address: v4, extra_source_addresses: [{ address: v6 }] },
} as const;

/**
 * `envoy.config.core.v3.BindConfig` of the proxy's connections to the application. The capture rules let exactly these
 * sources pass by; Envoy picks the one of the destination's family.
 */
export function applicationBinding(families: Families): JsonObject {
  if (!families.includes('v6')) return bindings.v4;
  return families.includes('v4') ? bindings.both : bindings.v6;
}
