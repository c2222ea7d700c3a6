import { ports } from '../../pod/conventions.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';
import type { JsonObject } from '../../json/json.ts';
import { gatewayEnvironment } from './environment.ts';
import { canonicalLabels, defaultContainers } from './identity-labels.ts';
import { agentContainer } from './proxy-container.ts';
import { identityOf, revisionOf, type TemplateData } from './template-data.ts';
import { type TemplatePod } from './template-pod.ts';
import { gatewayVolumes } from './volumes.ts';

/** Returns Istio's template `gateway`: the proxy is the pod's own purpose, and nothing is captured. */
export function gatewayTemplate(data: TemplateData): TemplatePod {
  const { global, gateways } = data.values;
  const { volumes, mounts } = gatewayVolumes(data);
  const { uid, gid } = identityOf(data);
  const { lifecycle, readinessInitialDelaySeconds, readinessPeriodSeconds, readinessFailureThreshold } = global.proxy;
  const own = gateways.securityContext as JsonObject;
  return {
    labels: canonicalLabels(data),
    annotations: {
      [names.revision]: revisionOf(data.values),
      ...defaultContainers(data),
    },
    initContainers: [],
    containers: [
      {
        ...agentContainer(data, 'router'),
        ...(lifecycle === undefined ? {} : { lifecycle: lifecycle as JsonObject }),
        env: gatewayEnvironment(data),
        readinessProbe: {
          httpGet: { path: '/healthz/ready', port: ports.health },
          initialDelaySeconds: readinessInitialDelaySeconds,
          periodSeconds: readinessPeriodSeconds,
          timeoutSeconds: 3,
          failureThreshold: readinessFailureThreshold,
        },
        securityContext: { runAsUser: uid, runAsGroup: gid },
        volumeMounts: mounts,
      },
    ],
    volumes,
    imagePullSecrets: global.imagePullSecrets,
    securityContext:
      Object.keys(own).length > 0 ? own : { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
  };
}
