import type { CaptureIntent } from '../../capture/intent.ts';
import { renderNodeAgentAnnotations } from '../../capture/node-agent-annotations.ts';
import { names, ports, proxyUser } from '../../pod/conventions.ts';
import type { PodSettings } from '../../settings/effective.ts';
import type { JsonObject, NamedObject } from '../../json/json.ts';
import type { Fragment, PlacedContainer, Placement } from '../fragment.ts';
import { tokenMaskVolume } from '../token-mask.ts';
import type { ProxyIntent } from '../../envoy/intent.ts';
import { captureIntent } from './capture-intent.ts';
import { checkArguments, checkContainer, checkSecurity } from './check-container.ts';
import { initContainer, initSecurity } from './init-container.ts';
import { patchContainer } from '../patched-container.ts';
import { meshAnnotations, meshLabels, tokenVolume } from './mesh-membership.ts';
import { unprivilegedSecurity } from './container-parts.ts';
import { proxyCommand, proxyContainer } from './proxy-container.ts';

/** The fragment of the built-in proxy, and what it captures. */
export interface ProxyFragment extends Fragment {
  readonly capture: CaptureIntent | undefined;
  /** Patches of the profile that do not fit this pod's containers. If there are any, the fragment must not be used. */
  readonly misfits: readonly string[];
}

/** Volumes of every proxy. */
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
  tokenMaskVolume,
] as const;

/** Folder of the admin interface's socket; in memory because nothing in it needs to persist. */
const adminVolume = { name: names.adminVolume, emptyDir: { medium: 'Memory', sizeLimit: '64Ki' } } as const;

const builtInContainers: ReadonlyMap<string, JsonObject> = new Map<string, JsonObject>([
  [names.proxyContainer, { command: proxyCommand, securityContext: unprivilegedSecurity(proxyUser) }],
  [names.initContainer, { securityContext: initSecurity }],
  [names.checkContainer, { args: [...checkArguments], securityContext: checkSecurity(proxyUser) }],
]);

/** Returns what the container of this name is in every pod: its program and its security context. */
export function builtInContainer(name: string): JsonObject {
  return builtInContainers.get(name) ?? {};
}

/** Returns every port that the proxy uses, whether its container declares it or not. */
export function proxyPorts(effective: {
  readonly proxy: Pick<PodSettings['proxy'], 'statusPort' | 'admin' | 'quitHook'>;
}): number[] {
  const { statusPort, admin, quitHook } = effective.proxy;
  return [
    ...(admin === 'port' ? [ports.admin] : []),
    ...(admin === 'socket' || quitHook ? [ports.hooks] : []),
    ports.outbound,
    ports.inbound,
    ports.health,
    ports.metrics,
    ...(statusPort === 0 ? [] : [statusPort]),
  ];
}

/** Returns the volumes of the proxy, with those that the pod adds to it. */
export function volumesOf({ proxy: { admin, additions }, mesh }: PodSettings): NamedObject[] {
  return [
    ...volumes,
    ...(admin === 'socket' ? [adminVolume] : []),
    ...(mesh === undefined ? [] : [tokenVolume(mesh)]),
    ...additions.volumes,
  ];
}

/** Returns the place of the proxy: before the application if it is native or holds the application back. */
export function placeOfProxy(native: boolean, holdApplication: boolean): Placement {
  if (native) return { list: 'initContainers', at: 'first' };
  return { list: 'containers', at: holdApplication ? 'first' : 'last' };
}

/** Returns what a node agent and the control plane have to know of the pod. */
export function proxyAnnotations(
  settings: PodSettings,
  capture: CaptureIntent | undefined,
  probePorts: readonly number[],
): Record<string, string> {
  const forAgent = capture !== undefined && settings.capture.loadedBy === 'node-agent';
  return { ...(forAgent ? renderNodeAgentAnnotations(capture) : {}), ...meshAnnotations(settings, probePorts) };
}

/** Returns the init container of a pod, which loads the rules of `capture`. */
export type InitContainerOf = (intent: ProxyIntent, capture: CaptureIntent) => PlacedContainer['container'];

/**
 * Returns the built-in sidecar, reserved name `sidecar`: Envoy, the capture init container and their volumes.
 *
 * @param initContainerOf a function that remembers init containers, where there is one
 */
export function proxyFragment(
  intent: ProxyIntent,
  initContainerOf: InitContainerOf = ({ settings }, capture) => initContainer(settings, capture),
): ProxyFragment {
  const { settings, native } = intent;
  const capture = captureIntent(settings, intent.identity, intent.probePorts);
  const containers: PlacedContainer[] = [];
  const misfits: string[] = [];
  const patched = (container: PlacedContainer['container'], patch: PodSettings['patches']['proxy']) => {
    const result = patchContainer(container, patch);
    if ('misfit' in result) misfits.push(`container ${container.name}: ${result.misfit}`);
    return 'misfit' in result ? container : result.container;
  };
  if (capture !== undefined) {
    const byNodeAgent = settings.capture.loadedBy === 'node-agent';
    const first = byNodeAgent ? checkContainer(settings, capture, intent.identity) : initContainerOf(intent, capture);
    // What a node agent captures is captured for the pod's own init containers too.
    const at = native || byNodeAgent ? 'first' : 'last';
    if (first !== undefined) {
      containers.push({
        container: patched(first, settings.patches.init),
        placement: { list: 'initContainers', at },
      });
    }
  }
  containers.push({
    container: patched(proxyContainer(intent), settings.patches.proxy),
    placement: placeOfProxy(native, settings.proxy.holdApplication),
  });
  return {
    source: 'sidecar',
    containers,
    volumes: volumesOf(settings),
    labels: meshLabels(settings),
    annotations: proxyAnnotations(settings, capture, intent.probePorts),
    imagePullSecrets: settings.proxy.imagePullSecrets,
    listenPorts: proxyPorts(settings),
    capture,
    misfits,
  };
}
