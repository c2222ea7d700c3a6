import { loopbackSource } from '../settings/constants.ts';
import { compile, type Filling, type Tree } from './flow-yaml.ts';
import type { ProxyIntent } from './intent.ts';

/** Where a listener binds; the holes are filled by `addressFilling`. */
export function listenAddress(port: Tree): Tree {
  return { socket_address: { address: { hole: 'anyAddress' }, port_value: port, ipv4_compat: { hole: 'compat' } } };
}

/** Source of the proxy's connections to the application. */
export const applicationBinding: Tree = { anchor: 'bind', content: { hole: 'bind' } };

function source(address: string): Tree {
  return { address, port_value: 0 };
}

const both = {
  anyAddress: '"::"',
  compat: 'true',
  bind: compile({
    source_address: source(loopbackSource.v4),
    extra_source_addresses: [{ address: source(loopbackSource.v6) }],
  }),
};
const v4 = { anyAddress: '0.0.0.0', compat: 'false', bind: compile({ source_address: source(loopbackSource.v4) }) };
const v6 = { ...both, bind: compile({ source_address: source(loopbackSource.v6) }) };

/**
 * Addresses for the pod's families. One socket takes both; IPv4 alone is bound only when the settings say so (a kernel
 * without IPv6 refuses `::`). The capture rules let exactly these sources pass by; Envoy picks the one of the
 * destination's family.
 */
export function addressFilling(families: ProxyIntent['families']): Filling {
  if (!families.includes('v6')) return v4;
  return families.includes('v4') ? both : v6;
}
