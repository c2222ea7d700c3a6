import type { ProxyIntent } from '../../../src/envoy/intent.ts';
import type { ProbeAction, ProbeKind, ProbeRedirect } from '../../../src/pod/probe.ts';
import { unknownPod } from '../../../src/envoy/self.ts';
import { ports } from '../../../src/pod/conventions.ts';
import { port } from './capture-intent.ts';

const opaque = [21, 22, 25, 53, 110, 143, 465, 587, 993, 995, 3128, 3306, 4222, 5432, 6379, 27017];

/** The proxy of a pod without annotations, with changes. */
export function proxyIntent(changes: Partial<ProxyIntent> = {}): ProxyIntent {
  return {
    workload: 'web',
    clusterDomain: 'cluster.local',
    statusPort: ports.status,
    outboundTrafficPolicy: 'ALLOW_ANY',
    opaquePorts: opaque.map(port),
    opaqueInboundPorts: [],
    protocolDetectionTimeoutMs: 500,
    maxConnections: 50_000,
    accessLog: 'stdout',
    metrics: { istio: true, targets: [] },
    tracing: undefined,
    admin: 'port',
    quitHook: false,
    service: { name: 'shop', revision: 'v2', app: 'shop', version: 'v2' },
    probes: [],
    families: ['v4', 'v6'],
    self: unknownPod,
    ...changes,
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
