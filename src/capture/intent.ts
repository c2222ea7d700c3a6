import type { ExcludedUser } from '../grammar/excluded-user.ts';
import type { PortRange } from '../grammar/port-range.ts';

export type { PortRange };

export type Family = 'v4' | 'v6';

/** One port as a range. */
export function onePort(port: number): PortRange {
  return { first: port, last: port };
}

/** Whether one of the ranges has the port. */
export function hasPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some(({ first, last }) => first <= port && port <= last);
}

/** Queries to port 53 that go to the proxy's own DNS server, by TCP and UDP. */
export interface DnsCapture {
  /** Where the proxy answers (Istio: 15053). */
  readonly port: number;
  /** Addresses whose port 53 is captured, without prefix length, both families mixed; or every address. */
  readonly servers: 'all' | readonly string[];
}

/**
 * What of a pod's traffic goes through the proxy. Every rendering (iptables, nftables, words, Istio's flags) reads only
 * this. Interception mode NONE has no intent at all. The letter in brackets is the flag of `istio-iptables` that says
 * the same.
 */
export interface CaptureIntent {
  /** How inbound connections reach the proxy: rewritten to its port, or handed over with both addresses kept (-m). */
  readonly mode: 'REDIRECT' | 'TPROXY';
  /** Marks and routing table of mode TPROXY (-t, -r); without effect in mode REDIRECT. */
  readonly tproxy: {
    /** Mark of packets that belong to the proxy's inbound listener. */
    readonly inboundMark: number;
    /** Mark of what the proxy sends to the pod's own address. */
    readonly outboundMark: number;
    readonly routeTable: number;
  };
  /** Whether loading the iptables rules replaces the whole tables or adds to them, as Istio's do. */
  readonly loading: 'replace' | 'append';
  /** What marks rules of ours that could be anybody's, for clean-up to know them; undefined for Istio's, which have none. */
  readonly comment: string | undefined;
  /** Families to program; never one alone unless the settings say that the cluster has only one. */
  readonly families: readonly Family[];
  /** The proxy's listener for captured outbound connections (-p). */
  readonly outboundPort: number;
  /** The proxy's listener for captured inbound connections (-z). */
  readonly inboundPort: number;
  /** Destination port that is never captured inbound, a mesh's tunnel (-e). */
  readonly tunnelPort: number;
  /** Source address of the proxy's own connections to the application, one a family. */
  readonly loopbackSource: Readonly<Record<Family, string>>;
  /** Loopback destination that is never captured, as CIDR, one a family. */
  readonly loopbackCidr: Readonly<Record<Family, string>>;
  /** Users whose traffic is the proxy's own (-u). */
  readonly proxyUids: readonly string[];
  /** Groups whose traffic is the proxy's own (-g). */
  readonly proxyGids: readonly string[];
  readonly inbound: {
    /** Ports to capture. An empty list captures nothing inbound (-b). */
    readonly ports: 'all' | readonly PortRange[];
    /** Exceptions; they count only when `ports` is `all` (-d). */
    readonly excludePorts: readonly PortRange[];
  };
  readonly outbound: {
    /** Destinations to capture (v4 and v6 CIDRs mixed). An empty list captures nothing by address (-i). */
    readonly cidrs: 'all' | readonly string[];
    /** Destinations never captured, whatever the port (-x). */
    readonly excludeCidrs: readonly string[];
    /** Destination ports to capture whatever the address (-q). */
    readonly ports: readonly PortRange[];
    /** Destination ports never captured, whatever the address (-o). */
    readonly excludePorts: readonly PortRange[];
    /** Users whose traffic passes by. */
    readonly excludeUsers: readonly ExcludedUser[];
    /** Groups whose processes are captured, names or numbers (ISTIO_OUTBOUND_OWNER_GROUPS). */
    readonly ownerGroups: 'all' | readonly string[];
    /** Groups whose processes are never captured (ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE). */
    readonly excludeOwnerGroups: readonly string[];
  };
  /** Network interfaces whose traffic is never captured (-c). */
  readonly excludeInterfaces: readonly string[];
  /** Virtual interfaces whose inbound traffic is treated as the pod's outbound (-k). */
  readonly rerouteInterfaces: readonly string[];
  /** DNS capture, only where something answers it (--redirect-dns, --capture-all-dns). */
  readonly dns: DnsCapture | undefined;
  /** Drops inbound packets that connection tracking finds invalid instead of answering them (--drop-invalid). */
  readonly dropInvalid: boolean;
}
