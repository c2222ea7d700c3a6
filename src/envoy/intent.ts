import type { ProxyIdentity } from '../pod/conventions.ts';
import type { ProbeRedirect } from '../pod/probe.ts';
import type { ServiceIdentity, Workload } from '../pod/workload.ts';
import type { PodSettings } from '../settings/effective.ts';
import type { Self } from './self.ts';

/** A metrics page of the application. */
export interface MetricsTarget {
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly port: number;
  readonly path: string;
}

/** Input of the capture listeners, their routes and their clusters: what a control plane would know about a proxy. */
export interface TrafficIntent {
  readonly settings: Pick<PodSettings, 'proxy' | 'capture'>;
  readonly workload: Pick<Workload, 'name'>;
  /** Ports that the pod declares as HTTP, in addition to those of the settings; ascending. */
  readonly httpInboundPorts: readonly number[];
  /** Ports that the pod declares as not HTTP, in addition to those of the settings; ascending. */
  readonly opaqueInboundPorts: readonly number[];
  /** Address and name of the pod. */
  readonly self: Self;
}

/** Input of the metrics page: the pod's own labels, and where the application's metrics are. */
export interface MetricsIntent {
  /** Identity of the pod in its metrics. */
  readonly service: ServiceIdentity;
  /** Metrics pages of the application that the proxy appends to its own. */
  readonly metricsTargets: readonly MetricsTarget[];
}

/** Everything that the built-in proxy of one pod depends on: its container, and the bootstrap in its arguments. */
export interface ProxyIntent extends Omit<TrafficIntent, 'self'>, MetricsIntent {
  readonly settings: PodSettings;
  /** Native sidecar (init container with restartPolicy Always) or classic container. */
  readonly native: boolean;
  readonly workload: Workload;
  readonly identity: ProxyIdentity;
  readonly probes: readonly ProbeRedirect[];
  /** Grace period of the pod's termination in seconds, for hooks that wait. */
  readonly gracePeriodSeconds: number;
  /** Whether the API server supports the preStop hook `sleep`. */
  readonly knowsSleep: boolean;
  /** Ports of probes that are not rewritten and must therefore not be captured. */
  readonly probePorts: readonly number[];
}

/** Input of the bootstrap. */
export type BootstrapIntent = Pick<
  ProxyIntent,
  'settings' | 'workload' | 'service' | 'probes' | 'metricsTargets' | 'httpInboundPorts' | 'opaqueInboundPorts'
>;
