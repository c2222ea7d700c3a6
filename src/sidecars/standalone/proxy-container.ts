import { envoyArguments } from '../../envoy/arguments.ts';
import { renderBootstrap } from '../../envoy/bootstrap.ts';
import { drainCommand } from '../../envoy/drain.ts';
import { adminSocketFolder } from '../../envoy/hooks.ts';
import { unknownPod } from '../../envoy/self.ts';
import { readyCommand } from '../../envoy/ready.ts';
import { names, ports } from '../../pod/conventions.ts';
import type { JsonObject } from '../../json/json.ts';
import { parseQuantity } from '../../grammar/quantity.ts';
import type { Resources } from '../../settings/schema/values.ts';
import type { PlacedContainer } from '../fragment.ts';
import { tokenMask } from '../token-mask.ts';
import { resourcesOf } from './container-parts.ts';
import type { ProxyInput } from './proxy-input.ts';

const podEnvironment = [
  { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
  { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
  { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
] as const;

/** Worker threads: the CPU limit rounded up, two without one (Istio's default). */
function concurrencyOf(resources: Resources): number {
  const limit = resources.limits.cpu;
  return limit === undefined ? 2 : Math.max(1, Math.ceil(parseQuantity(limit) ?? 2));
}

/** Memory of an Envoy without connections, and what one of them takes with a request under way in it. */
const idleBytes = 64 * 1024 ** 2;
const bytesPerConnection = 64 * 1024;

/** Most open client connections: what the memory limit has room for, a number that is never reached without one. */
function connectionsOf(resources: Resources): number {
  const limit = resources.limits.memory;
  if (limit === undefined) return 50_000;
  return Math.max(100, Math.floor(((parseQuantity(limit) ?? 0) - idleBytes) / bytesPerConnection));
}

function healthProbe(more: JsonObject): JsonObject {
  return { httpGet: { path: '/healthz/ready', port: ports.health }, ...more };
}

/** A native sidecar that holds the application back does it by its startup probe, so that one stays in any case. */
function probesOf({ effective, native }: ProxyInput): JsonObject {
  const { statusPort, holdApplication, readiness } = effective.proxy;
  const startupProbe = healthProbe({ periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 600 });
  if (statusPort === 0) return native && holdApplication ? { startupProbe } : {};
  const { initialDelaySeconds, periodSeconds, failureThreshold } = readiness;
  return {
    startupProbe,
    readinessProbe: healthProbe({ initialDelaySeconds, periodSeconds, timeoutSeconds: 3, failureThreshold }),
  };
}

/**
 * How long a classic proxy waits after it began to drain, because it is stopped together with the application, with some
 * of the grace period left for the end itself.
 */
function holdSeconds(terminationDrainSeconds: number, gracePeriodSeconds: number): number {
  return Math.min(terminationDrainSeconds, Math.max(0, gracePeriodSeconds - 5));
}

/** Envoy's distroless images hold nothing but Envoy, so no hook can run a command there. */
export function hasShell(image: string): boolean {
  return !image.includes('distroless');
}

/** The hooks of start and end, which are bash; without a shell only the kubelet's own sleep is left. */
function lifecycleOf(input: ProxyInput): JsonObject {
  const { admin, holdApplication, terminationDrainSeconds } = input.effective.proxy;
  const hold = input.native ? 0 : holdSeconds(terminationDrainSeconds, input.gracePeriodSeconds);
  if (!hasShell(input.effective.proxy.image)) {
    return hold > 0 && input.knowsSleep ? { lifecycle: { preStop: { sleep: { seconds: hold } } } } : {};
  }
  const preStop = { exec: { command: drainCommand(admin, hold) } };
  // A native sidecar's startup probe already holds the application back; a classic one needs a hook that waits.
  if (input.native || !holdApplication) return { lifecycle: { preStop } };
  return { lifecycle: { postStart: { exec: { command: readyCommand(admin) } }, preStop } };
}

/** Envoy's arguments for this pod; also used alone when probes were added to a pod that is injected already. */
export function proxyArguments(
  input: Pick<ProxyInput, 'effective' | 'workload' | 'service' | 'probes' | 'metricsTargets' | 'opaqueInboundPorts'>,
): string[] {
  const { proxy, capture } = input.effective;
  return envoyArguments({
    bootstrap: renderBootstrap({
      workload: input.workload.name,
      clusterDomain: proxy.clusterDomain,
      statusPort: proxy.statusPort === 0 ? undefined : proxy.statusPort,
      outboundTrafficPolicy: proxy.outboundTrafficPolicy,
      opaquePorts: proxy.opaquePorts,
      opaqueInboundPorts: input.opaqueInboundPorts,
      protocolDetectionTimeoutMs: proxy.protocolDetectionTimeoutMs,
      maxConnections: proxy.maxConnections ?? connectionsOf(proxy.resources),
      accessLog: proxy.accessLog,
      metrics: { istio: proxy.metrics.istio, targets: input.metricsTargets },
      service: input.service,
      tracing: proxy.tracing,
      admin: proxy.admin,
      quitHook: proxy.quitHook,
      probes: input.probes,
      families: capture.families,
      self: unknownPod,
    }),
    concurrency: proxy.concurrency ?? concurrencyOf(proxy.resources),
    drainSeconds: proxy.drainSeconds,
    logLevel: proxy.logLevel,
    componentLogLevel: proxy.componentLogLevel,
  });
}

/** The container that runs Envoy. */
export function proxyContainer(input: ProxyInput): PlacedContainer['container'] {
  const { image, imagePullPolicy, resources, additions } = input.effective.proxy;
  return {
    name: names.proxyContainer,
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    command: ['envoy'],
    args: proxyArguments(input),
    env: [...podEnvironment, ...additions.env],
    ...lifecycleOf(input),
    ports: [{ containerPort: ports.metrics, name: 'http-envoy-prom', protocol: 'TCP' }],
    ...probesOf(input),
    resources: resourcesOf(resources),
    ...(input.native ? { restartPolicy: 'Always' } : {}),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: input.identity.gid,
      runAsNonRoot: true,
      runAsUser: input.identity.uid,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: names.logsVolume, mountPath: '/var/log/istio' },
      { name: names.podInfoVolume, mountPath: '/etc/istio/pod', readOnly: true },
      tokenMask,
      ...(input.effective.proxy.admin === 'socket' ? [{ name: names.adminVolume, mountPath: adminSocketFolder }] : []),
      ...additions.volumeMounts,
    ],
  };
}
