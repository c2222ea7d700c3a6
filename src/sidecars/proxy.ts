import { renderIptables } from '../capture/iptables.ts';
import type { CaptureIntent } from '../capture/intent.ts';
import { envoyArguments } from '../envoy/arguments.ts';
import { renderBootstrap } from '../envoy/bootstrap.ts';
import { drainCommand } from '../envoy/drain.ts';
import type { ProbeRedirect } from '../envoy/probe-redirect.ts';
import { readyCommand } from '../envoy/ready.ts';
import { names, ports, tokenPath } from '../settings/constants.ts';
import type { Effective } from '../settings/effective.ts';
import type { JsonObject } from '../settings/json.ts';
import { parseQuantity } from '../settings/quantity.ts';
import type { Resources } from '../settings/schema.ts';
import { captureIntent, type ProxyIdentity } from './capture-intent.ts';
import type { Fragment, PlacedContainer } from './fragment.ts';
import type { Workload } from './workload.ts';

/** Everything that the built-in sidecar depends on. */
export interface ProxyInput {
  readonly effective: Effective;
  /** Native sidecar (init container with restartPolicy Always) or classic container. */
  readonly native: boolean;
  readonly workload: Workload;
  readonly identity: ProxyIdentity;
  readonly probes: readonly ProbeRedirect[];
  /** Seconds that the pod has to end in, for a hook that waits. */
  readonly gracePeriodSeconds: number;
  /** Ports of probes that stay as they are and must therefore not be captured. */
  readonly probePorts: readonly number[];
}

export interface ProxyFragment extends Fragment {
  readonly capture: CaptureIntent | undefined;
}

const tokenMask = { name: names.tokenMaskVolume, mountPath: tokenPath, readOnly: true };

const volumes = [
  { name: names.logsVolume, emptyDir: {} },
  {
    name: names.podInfoVolume,
    downwardAPI: {
      items: [
        { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
        { path: 'annotations', fieldRef: { fieldPath: 'metadata.annotations' } },
      ],
    },
  },
  { name: names.tokenMaskVolume, emptyDir: { medium: 'Memory', sizeLimit: '64Ki' } },
] as const;

const podEnvironment = [
  { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
  { name: 'POD_NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
  { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
] as const;

function resourcesOf(resources: Resources): JsonObject {
  return { requests: { ...resources.requests }, limits: { ...resources.limits } };
}

function captureEnvironment(capture: CaptureIntent): { readonly name: string; readonly value: string }[] {
  const rules = capture.families.map((family) => ({
    name: captureVariable(family),
    value: renderIptables(capture, family),
  }));
  if (!capture.families.includes('v6')) return rules;
  return [...rules, { name: 'CAPTURE_SOURCE_V6', value: capture.loopbackSource.v6 }];
}

function initContainer(effective: Effective, capture: CaptureIntent): PlacedContainer['container'] {
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

/** Worker threads: the CPU limit rounded up, two without one (Istio's default). */
function concurrencyOf(resources: Resources): number {
  const limit = resources.limits.cpu;
  return limit === undefined ? 2 : Math.max(1, Math.ceil(parseQuantity(limit) ?? 2));
}

function healthProbe(more: JsonObject): JsonObject {
  return { httpGet: { path: '/healthz/ready', port: ports.health }, ...more };
}

function probesOf(effective: Effective): JsonObject {
  if (effective.proxy.statusPort === 0) return {};
  const { initialDelaySeconds, periodSeconds, failureThreshold } = effective.proxy.readiness;
  return {
    startupProbe: healthProbe({ periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 600 }),
    readinessProbe: healthProbe({ initialDelaySeconds, periodSeconds, timeoutSeconds: 3, failureThreshold }),
  };
}

/**
 * How long a classic proxy waits after it began to drain, because it is stopped together with the application: Envoy's
 * drain time, with some of the grace period left for the end itself.
 */
function drainSeconds(gracePeriodSeconds: number): number {
  return Math.min(15, Math.max(0, gracePeriodSeconds - 5));
}

function lifecycleOf(input: ProxyInput): JsonObject {
  const preStop = { exec: { command: drainCommand(input.native ? 0 : drainSeconds(input.gracePeriodSeconds)) } };
  // A native sidecar's startup probe already holds the application back; a classic one needs a hook that waits.
  if (input.native || !input.effective.proxy.holdApplication) return { preStop };
  return { postStart: { exec: { command: readyCommand() } }, preStop };
}

/** Envoy's arguments for this pod; also used alone when probes were added to a pod that is injected already. */
export function proxyArguments(input: Pick<ProxyInput, 'effective' | 'workload' | 'probes'>): string[] {
  const { proxy, capture } = input.effective;
  return envoyArguments({
    bootstrap: renderBootstrap({
      workload: input.workload.name,
      clusterDomain: proxy.clusterDomain,
      statusPort: proxy.statusPort === 0 ? undefined : proxy.statusPort,
      outboundTrafficPolicy: proxy.outboundTrafficPolicy,
      opaquePorts: proxy.opaquePorts,
      protocolDetectionTimeoutMs: proxy.protocolDetectionTimeoutMs,
      maxConnections: proxy.maxConnections,
      accessLog: proxy.accessLog,
      probes: input.probes,
      families: capture.families,
    }),
    concurrency: concurrencyOf(proxy.resources),
    logLevel: proxy.logLevel,
    componentLogLevel: proxy.componentLogLevel,
  });
}

function proxyContainer(input: ProxyInput): PlacedContainer['container'] {
  const { image, imagePullPolicy, resources } = input.effective.proxy;
  return {
    name: names.proxyContainer,
    image,
    ...(imagePullPolicy === undefined ? {} : { imagePullPolicy }),
    command: ['envoy'],
    args: proxyArguments(input),
    env: podEnvironment,
    lifecycle: lifecycleOf(input),
    ports: [{ containerPort: ports.metrics, name: 'http-envoy-prom', protocol: 'TCP' }],
    ...probesOf(input.effective),
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
    ],
  };
}

/** The built-in sidecar, reserved name `sidecar`: Envoy, the capture init container and the volumes they need. */
export function proxyFragment(input: ProxyInput): ProxyFragment {
  const { effective, native } = input;
  const capture = captureIntent(effective, input.identity, input.probePorts);
  const containers: PlacedContainer[] = [];
  if (capture !== undefined) {
    containers.push({
      container: initContainer(effective, capture),
      placement: { list: 'initContainers', at: native ? 'first' : 'last' },
    });
  }
  containers.push({
    container: proxyContainer(input),
    placement: native
      ? { list: 'initContainers', at: 'first' }
      : { list: 'containers', at: effective.proxy.holdApplication ? 'first' : 'last' },
  });
  return {
    source: 'sidecar',
    containers,
    volumes,
    labels: {},
    annotations: {},
    imagePullSecrets: effective.proxy.imagePullSecrets,
    capture,
  };
}
