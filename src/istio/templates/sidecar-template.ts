import { annotationNames as names } from '../../pod/annotation-names.ts';
import { captureOf } from './capture.ts';
import { canonicalLabels, defaultContainers } from './identity-labels.ts';
import { initContainer } from './init-container.ts';
import { nodeAgentAnnotations } from './node-agent-annotations.ts';
import { sidecarContainer } from './proxy-container.ts';
import { isCni, labelOf, revisionOf, type TemplateData } from './template-data.ts';
import type { TemplatePod } from './template-pod.ts';
import { sidecarVolumes } from './volumes.ts';

/** Returns Istio's template `sidecar`: the proxy beside an application, and the capture of its traffic. */
export function sidecarTemplate(data: TemplateData): TemplatePod {
  const { volumes, mounts } = sidecarVolumes(data);
  const capture = captureOf(data);
  const proxy = sidecarContainer(data, mounts);
  const init = capture === undefined ? [] : [initContainer(data, capture)];
  const tunnels = data.proxyConfig.proxyMetadata?.['ISTIO_META_ENABLE_HBONE'] === 'true';
  return {
    labels: {
      [names.tlsMode]: labelOf(data, names.tlsMode) ?? 'istio',
      ...(tunnels ? { [names.tunnel]: labelOf(data, names.tunnel) ?? 'http' } : {}),
      ...canonicalLabels(data),
    },
    annotations: {
      [names.revision]: revisionOf(data.values),
      ...defaultContainers(data),
      ...(isCni(data) ? nodeAgentAnnotations(data) : {}),
    },
    initContainers: data.native ? [...init, proxy] : init,
    containers: data.native ? [] : [proxy],
    volumes,
    imagePullSecrets: data.values.global.imagePullSecrets,
  };
}
