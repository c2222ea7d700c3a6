import type { ProxyIntent, TrafficIntent } from '../../../src/envoy/intent.ts';
import type { ProbeAction, ProbeKind, ProbeRedirect } from '../../../src/pod/probe.ts';
import { unknownPod } from '../../../src/envoy/self.ts';
import { proxyUser } from '../../../src/pod/conventions.ts';
import { resolveBase, type PodSettings } from '../../../src/settings/effective.ts';
import { snapshotOf } from './snapshots.ts';

const base = resolveBase(snapshotOf().settings, undefined);

/** What differs from the proxy of a pod without annotations: its settings, and what the pod says, in one list. */
export type ProxyChanges = Partial<
  Omit<ProxyIntent, 'settings' | 'workload'> & PodSettings['proxy'] & Pick<PodSettings['capture'], 'families'>
> & {
  /** Name of the workload. */
  readonly workload?: string;
};

/** The proxy of a pod without annotations, with changes; as it is known to a control plane, too. */
export function proxyIntent(changes: ProxyChanges = {}): ProxyIntent & TrafficIntent {
  const {
    workload: name = 'web',
    families = ['v4', 'v6'],
    native = true,
    service = { name: 'shop', revision: 'v2', app: 'shop', version: 'v2' },
    identity = proxyUser,
    probes = [],
    metricsTargets = [],
    gracePeriodSeconds = 30,
    knowsSleep = true,
    probePorts = [],
    httpInboundPorts = [],
    opaqueInboundPorts = [],
    maxConnections = 50_000,
    ...proxy
  } = changes;
  return {
    settings: { ...base, proxy: { ...base.proxy, maxConnections, ...proxy }, capture: { ...base.capture, families } },
    native,
    workload: { apiVersion: 'apps/v1', kind: 'Deployment', name },
    service,
    identity,
    probes,
    metricsTargets,
    gracePeriodSeconds,
    knowsSleep,
    probePorts,
    httpInboundPorts,
    opaqueInboundPorts,
    self: unknownPod,
  };
}

/** A redirected probe of the container `web`. */
export function probe(kind: ProbeKind, action: ProbeAction, changes: Partial<ProbeRedirect> = {}): ProbeRedirect {
  const folder = kind === 'prestopz' || kind === 'poststartz' ? 'app-lifecycle' : 'app-health';
  return {
    path: `/${folder}/web/${kind}`,
    container: 'web',
    kind,
    action,
    timeoutSeconds: 1,
    periodSeconds: 10,
    ...changes,
  };
}
