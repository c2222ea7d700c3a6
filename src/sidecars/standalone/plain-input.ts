import { proxyUser } from '../../pod/conventions.ts';
import type { Effective } from '../../settings/effective.ts';
import type { ProxyInput } from './proxy-input.ts';

/** What a pod without anything of its own gives: for checking settings before any pod is there. */
export function plainInput(effective: Effective, native: boolean): ProxyInput {
  return {
    effective,
    native,
    workload: { apiVersion: 'v1', kind: 'Pod', name: 'pod' },
    service: { name: 'pod', revision: 'latest', app: 'unknown', version: 'unknown' },
    identity: proxyUser,
    probes: [],
    metricsTargets: [],
    gracePeriodSeconds: 30,
    knowsSleep: true,
    probePorts: [],
    opaqueInboundPorts: [],
  };
}
