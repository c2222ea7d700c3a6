import { renderIstioIptablesFlags } from '../../capture/istio-iptables-flags.ts';
import type { CaptureIntent } from '../../capture/intent.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';
import { names as podNames } from '../../pod/conventions.ts';
import type { JsonObject, NamedObject } from '../../json/json.ts';
import { initResourcesOf, metadataVariables, pullPolicyOf, seccompOf } from './container-parts.ts';
import { initImage } from './images.ts';
import { annotationOf, identityOf, interceptionModeOf, isCni, type TemplateData } from './template-data.ts';

/** Names of the init container: `load` loads the rules; `check` verifies that a node agent has loaded them. */
export const initNames = { load: podNames.initContainer, check: podNames.checkContainer } as const;

function securityOf(data: TemplateData): JsonObject {
  const { privileged, seccompProfile } = data.values.global.proxy;
  const common = { allowPrivilegeEscalation: privileged, privileged, ...seccompOf(seccompProfile) };
  if (!isCni(data)) {
    return {
      ...common,
      capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
      readOnlyRootFilesystem: false,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
    };
  }
  const { uid, gid } = interceptionModeOf(data) === 'TPROXY' ? { uid: 1337, gid: 1337 } : identityOf(data);
  return {
    ...common,
    capabilities: { drop: ['ALL'] },
    readOnlyRootFilesystem: true,
    runAsGroup: gid,
    runAsNonRoot: true,
    runAsUser: uid,
  };
}

/** Returns the init container, which runs before everything else in the pod, from the agent's image. */
export function initContainer(data: TemplateData, capture: CaptureIntent): NamedObject {
  const { logging, logAsJson, proxy_init: settings, nativeNftables } = data.values.global;
  const cni = isCni(data);
  const env = metadataVariables(data);
  return {
    name: cni ? initNames.check : initNames.load,
    image: initImage(data),
    ...pullPolicyOf(data),
    args: [
      'istio-iptables',
      ...renderIstioIptablesFlags(capture),
      `--log_output_level=${annotationOf(data, names.agentLogLevel) ?? logging.level}`,
      ...(logAsJson ? ['--log_as_json'] : []),
      ...(cni ? ['--run-validation', '--skip-rule-apply'] : []),
      ...(settings.forceApplyIptables && !cni ? ['--force-apply'] : []),
      ...(nativeNftables ? ['--native-nftables'] : []),
    ],
    ...(env.length === 0 ? {} : { env }),
    resources: initResourcesOf(data),
    securityContext: securityOf(data),
  };
}
