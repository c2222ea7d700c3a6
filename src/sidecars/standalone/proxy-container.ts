import { envoyArguments } from '../../envoy/arguments.ts';
import { renderBootstrap } from '../../envoy/bootstrap.ts';
import { drainCommand, type Hold } from '../../envoy/listener-drain.ts';
import { adminSocketFolder } from '../../envoy/hooks.ts';
import type { BootstrapIntent, ProxyIntent } from '../../envoy/intent.ts';
import { readyCommand } from '../../envoy/ready.ts';
import { names, ports } from '../../pod/conventions.ts';
import type { JsonObject } from '../../json/json.ts';
import { parseQuantity } from '../../grammar/quantity.ts';
import type { Resources } from '../../settings/schema/values.ts';
import type { PlacedContainer } from '../fragment.ts';
import { tokenMask } from '../token-mask.ts';
import { resourcesOf, unprivilegedSecurity } from './container-parts.ts';
import { controlPlaneOf, tokenMount } from './mesh-membership.ts';

const podEnvironment = [
  { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
  { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
  { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
] as const;

/** Returns the number of worker threads: the CPU limit rounded up, or Istio's default of two without a limit. */
function concurrencyOf(resources: Resources): number {
  const limit = resources.limits.cpu;
  return limit === undefined ? 2 : Math.max(1, Math.ceil(parseQuantity(limit) ?? 2));
}

function healthProbe(more: JsonObject): JsonObject {
  return { httpGet: { path: '/healthz/ready', port: ports.health }, ...more };
}

/**
 * Returns the probes. A native sidecar holds the application back by its startup probe, which is therefore kept even
 * without a status port.
 */
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

/** Seconds that a classic proxy runs on at least, for requests of an application that does not listen. */
const leastHoldSeconds = 15;

/** Returns the seconds that a classic proxy can run on. Some of the grace period is left for its own termination. */
function mostHoldSeconds({ gracePeriodSeconds }: ProxyIntent): number {
  return Math.max(0, gracePeriodSeconds - 5);
}

/** Returns how long a classic proxy runs on after it has begun to drain, because it is stopped beside the application. */
function holdOf(intent: ProxyIntent): Hold {
  const { terminationDrainSeconds } = intent.settings.proxy;
  const most = mostHoldSeconds(intent);
  if (intent.native) return { seconds: 0 };
  if (terminationDrainSeconds !== undefined) return { seconds: Math.min(terminationDrainSeconds, most) };
  return { least: Math.min(leastHoldSeconds, most), most };
}

/**
 * Returns the same in seconds for a proxy that cannot see whether the application is still there. The application ends
 * some time after its hook.
 */
function blindHoldSeconds(intent: ProxyIntent): number {
  const hold = holdOf(intent);
  if ('seconds' in hold) return hold.seconds;
  const { sleepSeconds, others } = intent.waits;
  return others ? hold.most : Math.min(sleepSeconds + leastHoldSeconds, hold.most);
}

/** Returns whether hooks can run commands: Envoy's distroless images contain nothing but Envoy. */
export function hasShell(image: string): boolean {
  return !image.includes('distroless');
}

/** Returns the hooks, which are bash commands. Without a shell only the kubelet's `sleep` is available. */
function lifecycleOf(intent: ProxyIntent): JsonObject {
  const { proxy } = intent.settings;
  const { admin, holdApplication } = proxy;
  if (!hasShell(proxy.image)) {
    const hold = blindHoldSeconds(intent);
    return hold > 0 && intent.knowsSleep ? { lifecycle: { preStop: { sleep: { seconds: hold } } } } : {};
  }
  const preStop = { exec: { command: drainCommand(proxy, holdOf(intent)) } };
  // The startup probe of a native sidecar already holds the application back; a classic one needs a hook that waits.
  if (intent.native || !holdApplication) return { lifecycle: { preStop } };
  return { lifecycle: { postStart: { exec: { command: readyCommand(admin) } }, preStop } };
}

/**
 * Returns Envoy's drain time in seconds. It is never shorter than what the pod is known to wait for. Without a drain time
 * of its own the proxy's hook does not refuse connections at all, and this is for whoever else drains the proxy.
 */
function drainTime({ settings, gracePeriodSeconds, waits }: LaunchIntent): number {
  const { drainSeconds } = settings.proxy;
  return Math.max(1, drainSeconds === undefined ? gracePeriodSeconds : Math.max(drainSeconds, waits.sleepSeconds));
}

/** Input of Envoy's arguments. */
type LaunchIntent = BootstrapIntent & Pick<ProxyIntent, 'gracePeriodSeconds' | 'waits'>;

/** Returns Envoy's arguments for this pod. Also used when probes are added to a pod that is already injected. */
export function proxyArguments(intent: LaunchIntent): string[] {
  const { concurrency, resources, logLevel, componentLogLevel } = intent.settings.proxy;
  return envoyArguments({
    bootstrap: renderBootstrap(intent, controlPlaneOf(intent.settings.mesh)),
    concurrency: concurrency ?? concurrencyOf(resources),
    drainSeconds: drainTime(intent),
    logLevel,
    componentLogLevel,
  });
}

/** What runs in the container. */
export const proxyCommand = ['envoy'] as const;

/** Returns the container that runs Envoy. */
export function proxyContainer(intent: ProxyIntent): PlacedContainer['container'] {
  const { image, imagePullPolicy, resources, additions } = intent.settings.proxy;
  return {
    name: names.proxyContainer,
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    command: proxyCommand,
    args: proxyArguments(intent),
    env: [...podEnvironment, ...additions.env],
    ...lifecycleOf(intent),
    ports: [{ containerPort: ports.metrics, name: 'http-envoy-prom', protocol: 'TCP' }],
    ...probesOf(intent),
    resources: resourcesOf(resources),
    ...(intent.native ? { restartPolicy: 'Always' } : {}),
    securityContext: unprivilegedSecurity(intent.identity),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: names.logsVolume, mountPath: '/var/log/istio' },
      { name: names.podInfoVolume, mountPath: '/etc/istio/pod', readOnly: true },
      tokenMask,
      ...(intent.settings.proxy.admin === 'socket' ? [{ name: names.adminVolume, mountPath: adminSocketFolder }] : []),
      ...(intent.settings.mesh === undefined ? [] : [tokenMount]),
      ...additions.volumeMounts,
    ],
  };
}
