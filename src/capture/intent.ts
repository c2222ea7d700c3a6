import type { ExcludedUser } from '../grammar/excluded-user.ts';
import type { PortRange } from '../grammar/port-range.ts';

export type { PortRange };

export type Family = 'v4' | 'v6';

/** Capture of DNS queries to port 53, over TCP and UDP, by the proxy's own DNS server. */
export interface DnsCapture {
  /** Port of the proxy's DNS server (Istio: 15053). */
  readonly port: number;
  /** Addresses of both families, without a prefix length, whose port 53 is captured. */
  readonly servers: 'all' | readonly string[];
}

/**
 * Which of a pod's traffic goes through the proxy. Every rendering (iptables, nftables, explanation, Istio's flags)
 * reads only this. Interception mode NONE has no intent. Letters in brackets are the equivalent flags of
 * `istio-iptables`.
 */
export interface CaptureIntent {
  /** How inbound connections reach the proxy: redirected to its port, or passed with both addresses unchanged (-m). */
  readonly mode: 'REDIRECT' | 'TPROXY';
  /** Marks and routing table of mode TPROXY (-t, -r); mode REDIRECT ignores them. */
  readonly tproxy: {
    /** Mark of packets that belong to the proxy's inbound listener. */
    readonly inboundMark: number;
    /** Mark of packets that the proxy sends to the pod's own address. */
    readonly outboundMark: number;
    readonly routeTable: number;
  };
  /** Whether loading the iptables rules replaces whole tables, or adds to them as Istio does. */
  readonly loading: 'replace' | 'append';
  /**
   * Comment that lets clean-up recognise rules outside our own chains; undefined for Istio's rules, which have none.
   */
  readonly comment: string | undefined;
  /** Families to write rules for: both, unless the settings say that the cluster has only one. */
  readonly families: readonly Family[];
  /** The proxy's listener for captured outbound connections (-p). */
  readonly outboundPort: number;
  /** The proxy's listener for captured inbound connections (-z). */
  readonly inboundPort: number;
  /** Destination port of a mesh's tunnel, which is never captured inbound (-e). */
  readonly tunnelPort: number;
  /** Source address of the proxy's connections to the application, per family. */
  readonly loopbackSource: Readonly<Record<Family, string>>;
  /** Loopback CIDR that is never captured, per family. */
  readonly loopbackCidr: Readonly<Record<Family, string>>;
  /** User ids whose traffic is the proxy's own (-u). */
  readonly proxyUids: readonly string[];
  /** Group ids whose traffic is the proxy's own (-g). */
  readonly proxyGids: readonly string[];
  readonly inbound: {
    /** Ports to capture. An empty list captures nothing inbound (-b). */
    readonly ports: 'all' | readonly PortRange[];
    /** Ports never captured; used only if `ports` is `all` (-d). */
    readonly excludePorts: readonly PortRange[];
  };
  readonly outbound: {
    /** Destinations to capture, as CIDRs of both families. An empty list captures nothing by address (-i). */
    readonly cidrs: 'all' | readonly string[];
    /** Destinations never captured, whatever the port (-x). */
    readonly excludeCidrs: readonly string[];
    /** Destination ports to capture whatever the address (-q). */
    readonly ports: readonly PortRange[];
    /** Destination ports never captured, whatever the address (-o). */
    readonly excludePorts: readonly PortRange[];
    /** Users whose traffic is never captured. */
    readonly excludeUsers: readonly ExcludedUser[];
    /** Groups whose processes are captured, by name or id (ISTIO_OUTBOUND_OWNER_GROUPS). */
    readonly ownerGroups: 'all' | readonly string[];
    /** Groups whose processes are never captured (ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE). */
    readonly excludeOwnerGroups: readonly string[];
  };
  /** Network interfaces whose traffic is never captured (-c). */
  readonly excludeInterfaces: readonly string[];
  /** Virtual interfaces whose inbound traffic is treated as the pod's outbound (-k). */
  readonly rerouteInterfaces: readonly string[];
  /** DNS capture; undefined unless the proxy has a DNS server (--redirect-dns, --capture-all-dns). */
  readonly dns: DnsCapture | undefined;
  /** Whether to drop inbound packets that connection tracking finds invalid (--drop-invalid). */
  readonly dropInvalid: boolean;
}
