import type { PodSettings } from '../../../settings/effective.ts';
import type { ProxyIntent } from '../../../envoy/intent.ts';
import { proxyUser } from '../../../pod/conventions.ts';
import { proxyFragment } from '../../../sidecars/standalone/proxy.ts';
import { builtInSidecar } from '../../../sidecars/template-library.ts';
import { isIstioContainer } from '../../plan/injected-container.ts';
import type { Flavour } from '../flavour.ts';
import { leftoversIn } from './leftovers.ts';
import { proposeInjection } from './inject.ts';
import { proposeReinvocation } from './reinvoke.ts';

/** Returns the intent of a pod without settings of its own, for checking settings before there is any pod. */
function plainProxy(settings: PodSettings, native: boolean): ProxyIntent {
  return {
    settings,
    native,
    workload: { apiVersion: 'v1', kind: 'Pod', name: 'pod' },
    service: { name: 'pod', revision: 'latest', app: 'unknown', version: 'unknown' },
    identity: proxyUser,
    probes: [],
    metricsTargets: [],
    gracePeriodSeconds: 30,
    waits: { sleepSeconds: 0, others: false },
    knowsSleep: true,
    probePorts: [],
    httpInboundPorts: [],
    opaqueInboundPorts: [],
  };
}

/** Returns which patches of the profile do not fit the containers of a plain pod, native or classic. */
function misfits(effective: PodSettings): string[] {
  if (effective.patches.proxy.length === 0 && effective.patches.init.length === 0) return [];
  const found = [true, false].flatMap((native) => proxyFragment(plainProxy(effective, native)).misfits);
  return [...new Set(found)];
}

/** Standalone mode: a proxy that needs no control plane. */
export const standalone: Flavour = {
  templates: () => [builtInSidecar],
  problems: () => [],
  misfits,
  continues: () => false,
  isForeign: isIstioContainer,
  leftovers: leftoversIn,
  inject: proposeInjection,
  reinvoke: proposeReinvocation,
  allowed: () => ({ privilegedProxy: false }),
};
