import type { CaptureIntent } from '../../capture/intent.ts';
import { names, type ProxyIdentity } from '../../pod/conventions.ts';
import type { PodSettings } from '../../settings/effective.ts';
import type { PlacedContainer } from '../fragment.ts';
import { tokenMask } from '../token-mask.ts';
import { resourcesOf, unprivilegedSecurity } from './container-parts.ts';
import { captureProbes } from './init-container.ts';

/** What the entry point of the init image is told: to open connections, which needs no rights. */
export const checkArguments = ['try'] as const;

/** Any user but root, which namespaces may forbid, and the proxy's, whose connections are not captured. */
function userBeside({ uid, gid }: ProxyIdentity): ProxyIdentity {
  const [one, other] = [65_532, 65_533];
  return { uid: uid === one ? other : one, gid: gid === one ? other : one };
}

/** Returns the security context of the container, beside a proxy. */
export function checkSecurity(proxy: ProxyIdentity) {
  return unprivilegedSecurity(userBeside(proxy));
}

/**
 * Returns the container that opens a connection which the agent of the node has to have captured, before anything else of
 * the pod runs: a node that is new may start pods before its agent. Until it is captured, the pod does not start. It has the
 * name and the exit code of Istio's, so that the agent's own repair finds such pods too. Undefined if the settings want no
 * verification, or nothing that a pod opens is captured for sure.
 */
export function checkContainer(
  effective: PodSettings,
  intent: CaptureIntent,
  proxy: ProxyIdentity,
): PlacedContainer['container'] | undefined {
  const { image, imagePullPolicy, resources, verify } = effective.capture;
  const env = verify ? captureProbes(intent) : [];
  if (env.length === 0) return undefined;
  return {
    name: names.checkContainer,
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    args: [...checkArguments],
    env,
    resources: resourcesOf(resources),
    securityContext: checkSecurity(proxy),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [tokenMask],
  };
}
