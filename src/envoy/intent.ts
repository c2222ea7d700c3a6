import type { ProxyIdentity } from '../pod/conventions.ts';
import type { ProbeRedirect } from '../pod/probe.ts';
import type { ServiceIdentity, Workload } from '../pod/workload.ts';
import type { Effective } from '../settings/effective.ts';
import type { Self } from './self.ts';

/** A page of the application's own metrics. */
export interface MetricsTarget {
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly port: number;
  readonly path: string;
}

/** What the capture listeners, their routes and their clusters depend on: what a control plane would know of a proxy. */
export interface TrafficIntent {
  readonly settings: {
    readonly proxy: Pick<
      Effective['proxy'],
      'outboundTrafficPolicy' | 'opaquePorts' | 'protocolDetectionTimeoutMs' | 'accessLog' | 'metrics' | 'tracing'
    >;
    readonly capture: Pick<Effective['capture'], 'families'>;
  };
  readonly workload: Pick<Workload, 'name'>;
  /** Ports that the pod declares not to carry HTTP, beside those of the settings; ascending. */
  readonly opaqueInboundPorts: readonly number[];
  /** Where the pod itself is. */
  readonly self: Self;
}

/** What the page of metrics tells of the pod, and where it gets the application's. */
export interface MetricsIntent {
  /** What the pod calls itself in metrics. */
  readonly service: ServiceIdentity;
  /** The application's own metrics that the proxy appends to its page. */
  readonly metricsTargets: readonly MetricsTarget[];
}

/** Everything that the built-in proxy of one pod depends on: its container, and the bootstrap in its arguments. */
export interface ProxyIntent extends Omit<TrafficIntent, 'self'>, MetricsIntent {
  readonly settings: Effective;
  /** Native sidecar (init container with restartPolicy Always) or classic container. */
  readonly native: boolean;
  readonly workload: Workload;
  readonly identity: ProxyIdentity;
  readonly probes: readonly ProbeRedirect[];
  /** Seconds that the pod has to end in, for a hook that waits. */
  readonly gracePeriodSeconds: number;
  /** Whether a hook may be the kubelet's own sleep. */
  readonly knowsSleep: boolean;
  /** Ports of probes that stay as they are and must therefore not be captured. */
  readonly probePorts: readonly number[];
}

/** What a bootstrap is made of. */
export type BootstrapIntent = Pick<
  ProxyIntent,
  'settings' | 'workload' | 'service' | 'probes' | 'metricsTargets' | 'opaqueInboundPorts'
>;
