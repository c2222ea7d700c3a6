import { renderIptables } from '../../capture/iptables.ts';
import type { CaptureIntent, Family } from '../../capture/intent.ts';
import { renderNftables } from '../../capture/nftables.ts';
import { probeOf } from '../../capture/probe.ts';
import { names } from '../../pod/conventions.ts';
import type { PodSettings } from '../../settings/effective.ts';
import type { PlacedContainer } from '../fragment.ts';
import { tokenMask } from '../token-mask.ts';
import { resourcesOf } from './container-parts.ts';

/** Settings that the entry point needs besides the rules. */
type Loading = Pick<PodSettings['capture'], 'backend' | 'verify'>;

/** A variable of the init container. */
type Variable = { readonly name: string; readonly value: string };

/** Returns the name of the variable that carries the iptables rules of one family, or the nftables table for both. */
export function captureVariable(rendering: Family | 'nft'): string {
  return `CAPTURE_RULES_${rendering.toUpperCase()}`;
}

/** Returns the rules as variables of the init container. */
export function captureRuleVariables({ backend }: Pick<Loading, 'backend'>, intent: CaptureIntent): Variable[] {
  if (backend === 'nftables') return [{ name: captureVariable('nft'), value: renderNftables(intent) }];
  return intent.families.map((family) => ({ name: captureVariable(family), value: renderIptables(intent, family) }));
}

/** Returns the connections by which the entry point tries the rules; none where it is not sure that they are captured. */
export function captureProbes(intent: CaptureIntent): Variable[] {
  return intent.families.flatMap((family) => {
    const probe = probeOf(intent, family);
    if (probe === undefined) return [];
    const value = `${probe.address} ${probe.port} ${intent.outboundPort}`;
    return [{ name: `CAPTURE_PROBE_${family.toUpperCase()}`, value }];
  });
}

/** Returns the environment that the entry point of the init image (`deploy/images/capture.sh`) reads. */
export function captureEnvironment(loading: Loading, intent: CaptureIntent): Variable[] {
  const source = { name: 'CAPTURE_SOURCE_V6', value: intent.loopbackSource.v6 };
  return [
    ...captureRuleVariables(loading, intent),
    ...(intent.families.includes('v6') ? [source] : []),
    ...(loading.verify ? captureProbes(intent) : [{ name: 'CAPTURE_VERIFY', value: 'false' }]),
  ];
}

/** The rules can be loaded by root alone. */
export const initSecurity = {
  allowPrivilegeEscalation: false,
  capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
  privileged: false,
  readOnlyRootFilesystem: true,
  runAsGroup: 0,
  runAsNonRoot: false,
  runAsUser: 0,
  seccompProfile: { type: 'RuntimeDefault' },
} as const;

/** Returns the container that loads the capture rules, once, before anything else of the pod runs. */
export function initContainer(effective: PodSettings, intent: CaptureIntent): PlacedContainer['container'] {
  const { image, imagePullPolicy, resources } = effective.capture;
  return {
    name: names.initContainer,
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    env: captureEnvironment(effective.capture, intent),
    resources: resourcesOf(resources),
    securityContext: initSecurity,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [tokenMask],
  };
}
