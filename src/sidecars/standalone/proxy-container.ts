import { envoyArguments } from '../../envoy/arguments.ts';
import { renderBootstrap } from '../../envoy/bootstrap.ts';
import { drainCommand } from '../../envoy/listener-drain.ts';
import { adminSocketFolder } from '../../envoy/hooks.ts';
import type { BootstrapIntent, ProxyIntent } from '../../envoy/intent.ts';
import { readyCommand } from '../../envoy/ready.ts';
import { names, ports } from '../../pod/conventions.ts';
import type { JsonObject } from '../../json/json.ts';
import { parseQuantity } from '../../grammar/quantity.ts';
import type { Resources } from '../../settings/schema/values.ts';
import type { PlacedContainer } from '../fragment.ts';
import { tokenMask } from '../token-mask.ts';
import { resourcesOf } from './container-parts.ts';

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

function healthProbe(more: JsonObject): JsonObject {
  return { httpGet: { path: '/healthz/ready', port: ports.health }, ...more };
}

/** A native sidecar that holds the application back does it by its startup probe, so that one stays in any case. */
function probesOf({ settings, native }: ProxyIntent): JsonObject {
  const { statusPort, holdApplication, readiness } = settings.proxy;
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
function lifecycleOf(intent: ProxyIntent): JsonObject {
  const { admin, holdApplication, terminationDrainSeconds } = intent.settings.proxy;
  const hold = intent.native ? 0 : holdSeconds(terminationDrainSeconds, intent.gracePeriodSeconds);
  if (!hasShell(intent.settings.proxy.image)) {
    return hold > 0 && intent.knowsSleep ? { lifecycle: { preStop: { sleep: { seconds: hold } } } } : {};
  }
  const preStop = { exec: { command: drainCommand(admin, hold) } };
  // A native sidecar's startup probe already holds the application back; a classic one needs a hook that waits.
  if (intent.native || !holdApplication) return { lifecycle: { preStop } };
  return { lifecycle: { postStart: { exec: { command: readyCommand(admin) } }, preStop } };
}

/** Envoy's arguments for this pod; also used alone when probes were added to a pod that is injected already. */
export function proxyArguments(intent: BootstrapIntent): string[] {
  const { concurrency, resources, drainSeconds, logLevel, componentLogLevel } = intent.settings.proxy;
  return envoyArguments({
    bootstrap: renderBootstrap(intent),
    concurrency: concurrency ?? concurrencyOf(resources),
    drainSeconds,
    logLevel,
    componentLogLevel,
  });
}

/** The container that runs Envoy. */
export function proxyContainer(intent: ProxyIntent): PlacedContainer['container'] {
  const { image, imagePullPolicy, resources, additions } = intent.settings.proxy;
  return {
    name: names.proxyContainer,
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    command: ['envoy'],
    args: proxyArguments(intent),
    env: [...podEnvironment, ...additions.env],
    ...lifecycleOf(intent),
    ports: [{ containerPort: ports.metrics, name: 'http-envoy-prom', protocol: 'TCP' }],
    ...probesOf(intent),
    resources: resourcesOf(resources),
    ...(intent.native ? { restartPolicy: 'Always' } : {}),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: intent.identity.gid,
      runAsNonRoot: true,
      runAsUser: intent.identity.uid,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: names.logsVolume, mountPath: '/var/log/istio' },
      { name: names.podInfoVolume, mountPath: '/etc/istio/pod', readOnly: true },
      tokenMask,
      ...(intent.settings.proxy.admin === 'socket' ? [{ name: names.adminVolume, mountPath: adminSocketFolder }] : []),
      ...additions.volumeMounts,
    ],
  };
}
