import { renderIptables } from '../../capture/iptables.ts';
import type { CaptureIntent } from '../../capture/intent.ts';
import { names } from '../../settings/constants.ts';
import type { Effective } from '../../settings/effective.ts';
import type { PlacedContainer } from '../fragment.ts';
import { resourcesOf, tokenMask } from './container-parts.ts';

function captureEnvironment(capture: CaptureIntent): { readonly name: string; readonly value: string }[] {
  const rules = capture.families.map((family) => ({
    name: captureVariable(family),
    value: renderIptables(capture, family),
  }));
  if (!capture.families.includes('v6')) return rules;
  return [...rules, { name: 'CAPTURE_SOURCE_V6', value: capture.loopbackSource.v6 }];
}

/** The container that loads the capture rules, once, before anything else of the pod runs. */
export function initContainer(effective: Effective, capture: CaptureIntent): PlacedContainer['container'] {
  const { image, imagePullPolicy, resources } = effective.capture;
  return {
    name: names.initContainer,
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    env: captureEnvironment(capture),
    resources: resourcesOf(resources),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [tokenMask],
  };
}

/** Name of the init container's variable that carries one family's rules. */
export function captureVariable(family: 'v4' | 'v6'): string {
  return family === 'v4' ? 'CAPTURE_RULES_V4' : 'CAPTURE_RULES_V6';
}
