import type { PortRange } from '../settings/port-range.ts';

export type { PortRange };

export type Family = 'v4' | 'v6';

/**
 * What of a pod's TCP traffic goes through the proxy. Every rendering (iptables, nftables, words) reads only this.
 * Interception mode NONE has no intent at all.
 */
export interface CaptureIntent {
  readonly mode: 'REDIRECT' | 'TPROXY';
  /** Families to program; never one alone unless the settings say that the cluster has only one. */
  readonly families: readonly Family[];
  /** The proxy's listener for captured outbound connections. */
  readonly outboundPort: number;
  /** The proxy's listener for captured inbound connections. */
  readonly inboundPort: number;
  /** Destination port that is never captured inbound, a mesh's tunnel. */
  readonly tunnelPort: number;
  /** Source address of the proxy's own connections to the application, one a family. */
  readonly loopbackSource: Readonly<Record<Family, string>>;
  /** Loopback destination that is never captured, as CIDR, one a family. */
  readonly loopbackCidr: Readonly<Record<Family, string>>;
  /** Users and groups whose traffic is the proxy's own. */
  readonly proxyUids: readonly string[];
  readonly proxyGids: readonly string[];
  readonly inbound: {
    /** Ports to capture. An empty list captures nothing inbound. */
    readonly ports: 'all' | readonly PortRange[];
    /** Exceptions; they count only when `ports` is `all`. */
    readonly excludePorts: readonly PortRange[];
  };
  readonly outbound: {
    /** Destinations to capture (v4 and v6 CIDRs mixed). An empty list captures nothing by address. */
    readonly cidrs: 'all' | readonly string[];
    readonly excludeCidrs: readonly string[];
    /** Destination ports to capture whatever the address. */
    readonly ports: readonly PortRange[];
    readonly excludePorts: readonly PortRange[];
    /** Groups whose processes are captured, names or numbers; without the field or with `all`, every process. */
    readonly ownerGroups?: 'all' | readonly string[];
    /** Groups whose processes are never captured. */
    readonly excludeOwnerGroups?: readonly string[];
  };
  /** Network interfaces whose traffic is never captured. */
  readonly excludeInterfaces: readonly string[];
  /** Virtual interfaces whose inbound traffic is treated as the pod's outbound. */
  readonly rerouteInterfaces: readonly string[];
}
