import type { MetricsTarget } from '../../envoy/intent.ts';
import type { ProbeRedirect } from '../../pod/probe.ts';
import type { Effective } from '../../settings/effective.ts';
import type { ServiceIdentity, Workload } from '../../pod/workload.ts';
import type { ProxyIdentity } from './capture-intent.ts';

/** Everything that the built-in sidecar depends on. */
export interface ProxyInput {
  readonly effective: Effective;
  /** Native sidecar (init container with restartPolicy Always) or classic container. */
  readonly native: boolean;
  readonly workload: Workload;
  /** What the pod calls itself in metrics. */
  readonly service: ServiceIdentity;
  readonly identity: ProxyIdentity;
  readonly probes: readonly ProbeRedirect[];
  /** The application's own metrics that the proxy appends to its page. */
  readonly metricsTargets: readonly MetricsTarget[];
  /** Seconds that the pod has to end in, for a hook that waits. */
  readonly gracePeriodSeconds: number;
  /** Whether a hook may be the kubelet's own sleep. */
  readonly knowsSleep: boolean;
  /** Ports of probes that stay as they are and must therefore not be captured. */
  readonly probePorts: readonly number[];
  /** Ports that the pod declares not to carry HTTP; ascending. */
  readonly opaqueInboundPorts: readonly number[];
}
