import { ports, proxyUser } from '../../pod/conventions.ts';
import { annotationNames as names } from '../../pod/annotation-names.ts';
import type { JsonObject, NamedObject } from '../../json/json.ts';
import { pullPolicyOf, resourcesOf, seccompOf } from './container-parts.ts';
import { sidecarEnvironment } from './environment.ts';
import { proxyImage } from './images.ts';
import {
  annotationOf,
  holdsApplication,
  identityOf,
  interceptionModeOf,
  statusPortOf,
  type TemplateData,
} from './template-data.ts';
import { proxyName } from './template-pod.ts';

/** Returns the arguments of the agent as a sidecar (`sidecar`) or as a gateway (`router`). */
function agentArguments(data: TemplateData, role: 'sidecar' | 'router'): string[] {
  const { proxy, logging, logAsJson, sts } = data.values.global;
  return [
    'proxy',
    role,
    '--domain',
    `$(POD_NAMESPACE).svc.${proxy.clusterDomain}`,
    `--proxyLogLevel=${annotationOf(data, names.logLevel) ?? proxy.logLevel}`,
    `--proxyComponentLogLevel=${annotationOf(data, names.componentLogLevel) ?? proxy.componentLogLevel}`,
    `--log_output_level=${annotationOf(data, names.agentLogLevel) ?? logging.level}`,
    ...(sts.servicePort === 0 ? [] : [`--stsPort=${sts.servicePort}`]),
    ...(logAsJson ? ['--log_as_json'] : []),
  ];
}

/**
 * Returns the hooks. A native sidecar drains from the start of the pod's termination. Without a status port the agent
 * serves no requests, so there is no such hook (Istio writes one that calls port 0).
 */
function lifecycleOf(data: TemplateData): JsonObject {
  const { lifecycle } = data.values.global.proxy;
  if (lifecycle !== undefined) return { lifecycle: lifecycle as JsonObject };
  if (data.native) {
    const port = statusPortOf(data);
    if (port === '0') return {};
    const command = ['pilot-agent', 'request', `--debug-port=${port}`, 'POST', 'drain'];
    return { lifecycle: { preStop: { exec: { command } } } };
  }
  if (!holdsApplication(data)) return {};
  return { lifecycle: { postStart: { exec: { command: ['pilot-agent', 'wait'] } } } };
}

/** Returns the numbers of the readiness probe: the pod's, else those of the values. */
export function readinessNumbers(data: TemplateData): JsonObject {
  const { proxy } = data.values.global;
  const number = (name: string, otherwise: number): number => Number(annotationOf(data, name) ?? otherwise);
  return {
    initialDelaySeconds: number(names.initialDelaySeconds, proxy.readinessInitialDelaySeconds),
    periodSeconds: number(names.periodSeconds, proxy.readinessPeriodSeconds),
    timeoutSeconds: 3,
    failureThreshold: number(names.failureThreshold, proxy.readinessFailureThreshold),
  };
}

function probesOf(data: TemplateData): JsonObject {
  if (statusPortOf(data) === '0') return {};
  const httpGet = { path: '/healthz/ready', port: ports.health };
  const { startupProbe } = data.values.global.proxy;
  return {
    ...(startupProbe.enabled
      ? {
          startupProbe: {
            httpGet,
            periodSeconds: 1,
            timeoutSeconds: 3,
            failureThreshold: startupProbe.failureThreshold,
          },
        }
      : {}),
    readinessProbe: { httpGet, ...readinessNumbers(data) },
  };
}

function securityOf(data: TemplateData): JsonObject {
  const { proxy } = data.values.global;
  const tproxy = interceptionModeOf(data) === 'TPROXY';
  const binds = (annotationOf(data, names.capNetBindService) ?? String(proxy.capNetBindService ?? false)) === 'true';
  const traces = data.proxyConfig.proxyMetadata?.['IPTABLES_TRACE_LOGGING'] === 'true';
  const root = tproxy || binds || traces;
  const add = [...(tproxy || traces ? ['NET_ADMIN'] : []), ...(binds && !traces ? ['NET_BIND_SERVICE'] : [])];
  const { uid, gid } = identityOf(data);
  const privileged = proxy.privileged || traces;
  // Istio's own group applies to a proxy that must be root, but not to one that only traces.
  const isOwnGroup = (tproxy || binds) && !traces;
  return {
    allowPrivilegeEscalation: privileged,
    capabilities: { ...(add.length === 0 ? {} : { add }), drop: ['ALL'] },
    privileged,
    readOnlyRootFilesystem: true,
    runAsGroup: isOwnGroup ? proxyUser.gid : gid,
    runAsNonRoot: !root,
    runAsUser: root ? 0 : uid,
    ...seccompOf(proxy.seccompProfile),
  };
}

/** Returns what the agent's container has in common in all templates. `port` is the one that it declares. */
export function agentContainer(
  data: TemplateData,
  role: 'sidecar' | 'router',
  port: { readonly containerPort: number; readonly name: string } = {
    containerPort: ports.metrics,
    name: 'http-envoy-prom',
  },
): NamedObject & { readonly args: readonly string[] } {
  return {
    name: proxyName,
    image: proxyImage(data),
    ...pullPolicyOf(data),
    ports: [{ containerPort: port.containerPort, protocol: 'TCP', name: port.name }],
    args: agentArguments(data, role),
  };
}

/** Returns the container of the agent and its Envoy beside an application. */
export function sidecarContainer(data: TemplateData, mounts: readonly JsonObject[]): NamedObject {
  const agent = agentContainer(data, 'sidecar');
  const { outlierLogPath } = data.values.global.proxy;
  return {
    ...agent,
    args: [...agent.args, ...(outlierLogPath === '' ? [] : [`--outlierLogPath=${outlierLogPath}`])],
    ...lifecycleOf(data),
    env: sidecarEnvironment(data),
    ...probesOf(data),
    ...(data.native ? { restartPolicy: 'Always' } : {}),
    securityContext: securityOf(data),
    resources: resourcesOf(data),
    volumeMounts: mounts,
  };
}
