import type { ProbeRedirect } from '../pod/probe.ts';
import type { ServiceIdentity } from '../pod/workload.ts';
import type { Self } from './self.ts';
import type { PortRange } from '../grammar/port-range.ts';

/** A page of the application's own metrics. */
export interface MetricsTarget {
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly port: number;
  readonly path: string;
}

/** What a standalone proxy of one pod has to do; its configuration is made from this alone. */
export interface ProxyIntent {
  /** Name of the workload (Deployment, Job, …) that the pod belongs to. */
  readonly workload: string;
  /** DNS suffix of the cluster, such as `cluster.local`. */
  readonly clusterDomain: string;
  /** Port of merged metrics and application probes; undefined for none. */
  readonly statusPort: number | undefined;
  /** Unknown destinations pass through (ALLOW_ANY) or are refused (REGISTRY_ONLY). */
  readonly outboundTrafficPolicy: 'ALLOW_ANY' | 'REGISTRY_ONLY';
  /** Ports where the server speaks first, or that carry no HTTP: no protocol sniffing, both directions. */
  readonly opaquePorts: readonly PortRange[];
  /** The same for ports of the pod itself, inbound alone; ascending. */
  readonly opaqueInboundPorts: readonly number[];
  /** How long to wait for a client's first bytes before a connection counts as TCP. */
  readonly protocolDetectionTimeoutMs: number;
  /** Upper bound of open client connections (overload protection). */
  readonly maxConnections: number;
  /** JSON lines on standard output, or in a file of the shared volume. */
  readonly accessLog: 'stdout' | 'file' | 'none';
  readonly metrics: {
    /** Whether Istio's standard metrics are counted. */
    readonly istio: boolean;
    /** What the application has to say is appended to the page. */
    readonly targets: readonly MetricsTarget[];
  };
  readonly service: ServiceIdentity;
  /** Where spans go, by OTLP over gRPC, and how many of a hundred requests are traced; undefined for no tracing. */
  readonly tracing: { readonly host: string; readonly port: number; readonly samplingPercent: number } | undefined;
  /** The admin interface on a loopback port, or on a unix socket that only the proxy's user can open. */
  readonly admin: 'port' | 'socket';
  /** Whether the application may ask the proxy to end, as that of a Job with a classic proxy has to. */
  readonly quitHook: boolean;
  readonly probes: readonly ProbeRedirect[];
  /** Where the pod itself is. */
  readonly self: Self;
  /** Families of the pod's addresses; with v4 alone nothing binds to IPv6. */
  readonly families: readonly ('v4' | 'v6')[];
}
