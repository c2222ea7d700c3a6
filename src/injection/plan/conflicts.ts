import { annotationNames } from '../../pod/annotation-names.ts';
import { applicationContainers } from '../../pod/containers.ts';
import { names, type ProxyIdentity } from '../../pod/conventions.ts';
import { proxyPorts } from '../../sidecars/standalone/proxy.ts';
import type { Fragment } from '../../sidecars/fragment.ts';
import type { PodView } from '../../pod/view.ts';
import type { PodSettings } from '../../settings/effective.ts';
import { isObject, member, objectMember, objectsMember, stringMember } from '../../json/json.ts';
import type { Json, JsonObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';

import { reason, type Reason } from '../policy/reason.ts';

/** What the proxy listens on is TCP. */
function protocolOf(port: JsonObject): string {
  return stringMember(port, 'protocol') ?? 'TCP';
}

function idOf(security: JsonObject | undefined, podSecurity: JsonObject | undefined, field: string): Json | undefined {
  return member(security, field) ?? member(podSecurity, field);
}

/** What conflicts with the proxy depend on. */
export interface ProxyPlaces {
  readonly proxy: Pick<PodSettings['proxy'], 'statusPort' | 'admin' | 'quitHook'>;
  readonly capture: { readonly mode: string };
}

/**
 * Groups of the whole pod that are the proxy's. They do not pass the capture by themselves, but a file of that group with
 * the setgid bit does, for whoever runs it.
 */
function groupConflicts(podSecurity: JsonObject | undefined, { gid }: ProxyIdentity): Reason[] {
  const supplemental = member(podSecurity, 'supplementalGroups');
  const fields = [
    ...(member(podSecurity, 'fsGroup') === gid ? ['fsGroup'] : []),
    ...(Array.isArray(supplemental) && supplemental.includes(gid) ? ['supplementalGroups'] : []),
  ];
  return fields.map((field) => {
    const has = `the pod's securityContext.${field} has group ${gid}, the proxy's`;
    return reason('UserConflict', `${has}, and its files could pass the proxy by; use another group`);
  });
}

/** Volumes that are the proxy's alone; other containers may mount the one of its log. */
const privateVolumes: ReadonlySet<string> = new Set([
  names.adminVolume,
  names.podInfoVolume,
  names.tokenMaskVolume,
  names.meshTokenVolume,
]);

/** Mounts of the proxy's volumes in the pod's own containers; the volumes come only with the injection. */
export function proxyVolumeConflicts(view: PodView): Reason[] {
  return applicationContainers(view).flatMap(({ name, raw }) =>
    objectsMember(raw, 'volumeMounts')
      .map((mount) => stringMember(mount, 'name') ?? '')
      .filter((volume) => privateVolumes.has(volume))
      .map((volume) => {
        const sentence = `container ${quote(name)} mounts volume ${quote(volume)}, which is the proxy's; leave the mount out`;
        return reason('NameConflict', sentence);
      }),
  );
}

/** Returns all conflicts of the pod's own containers with the proxy. */
export function proxyConflicts(view: PodView, effective: ProxyPlaces, identity: ProxyIdentity): Reason[] {
  const found: Reason[] = [];
  const taken = new Set(proxyPorts(effective));
  const podSecurity = objectMember(view.spec, 'securityContext');
  if (effective.capture.mode !== 'NONE') found.push(...groupConflicts(podSecurity, identity));
  for (const { name, raw: container } of applicationContainers(view)) {
    for (const port of objectsMember(container, 'ports')) {
      const number = member(port, 'containerPort');
      if (typeof number !== 'number' || !taken.has(number) || protocolOf(port) !== 'TCP') continue;
      const sentence = `container ${quote(name)} declares port ${number}, which the proxy listens on; use another port`;
      found.push(reason('PortConflict', sentence));
    }
    if (effective.capture.mode === 'NONE') continue;
    const security = objectMember(container, 'securityContext');
    const same = (
      [
        ['user', 'runAsUser', identity.uid],
        ['group', 'runAsGroup', identity.gid],
      ] as const
    ).find(([, field, id]) => idOf(security, podSecurity, field) === id);
    if (same === undefined) continue;
    const [kind, field, id] = same;
    const runs = `container ${quote(name)} runs as ${kind} ${id}, the proxy's`;
    found.push(reason('UserConflict', `${runs}, and would pass it by; use another ${field}`));
  }
  return found;
}

/** Returns whether the container keeps running beside others. An init container has ended before they listen. */
function keepsRunning(container: JsonObject, list: 'initContainers' | 'containers'): boolean {
  return list === 'containers' || stringMember(container, 'restartPolicy') === 'Always';
}

/**
 * Returns ports that a declared sidecar declares and another sidecar or the pod uses as well: both could not listen.
 */
export function listenedTwice(view: PodView, fragments: readonly Fragment[]): Reason[] {
  const declared = fragments.filter(({ share }) => share !== undefined);
  if (declared.length === 0) return [];
  const owners = new Map<string, string>();
  const found: Reason[] = [];
  const claim = (container: JsonObject, owner: string, source: string | undefined): void => {
    for (const port of objectsMember(container, 'ports')) {
      const number = member(port, 'containerPort');
      if (typeof number !== 'number') continue;
      const key = `${protocolOf(port)} port ${number}`;
      const other = owners.get(key);
      owners.set(key, owner);
      if (other === undefined || source === undefined) continue;
      const sentence = `${key} of sidecar ${quote(source)} is also used by ${other}; change one of them`;
      found.push(reason('PortConflict', sentence));
    }
  };
  for (const { list, name, raw } of applicationContainers(view)) {
    if (keepsRunning(raw, list)) claim(raw, `container ${quote(name)} of the pod`, undefined);
  }
  for (const { source, listenPorts = [] } of fragments) {
    for (const port of listenPorts) owners.set(`TCP port ${port}`, `sidecar ${quote(source)}`);
  }
  for (const { source, containers } of declared) {
    for (const { container, placement } of containers) {
      if (keepsRunning(container, placement.list)) claim(container, `sidecar ${quote(source)}`, source);
    }
  }
  return found;
}

/** Returns mounts that the pod adds to the proxy although no volume of that name exists. */
export function mountProblems(view: PodView, effective: PodSettings): Reason[] {
  const { volumes, volumeMounts } = effective.proxy.additions;
  if (volumeMounts.length === 0) return [];
  const known = [...objectsMember(view.spec, 'volumes'), ...volumes].map((volume) => stringMember(volume, 'name'));
  const allowed = [...new Set(known)].join(', ') || 'none';
  return volumeMounts
    .filter(({ name }) => !known.includes(name))
    .map(({ name }) => {
      const sentence = `${annotationNames.userVolumeMount}: ${quote(name)} is no volume of the pod; allowed: ${allowed}`;
      return reason('InvalidAnnotation', sentence);
    });
}

const lists = ['initContainers', 'containers', 'volumes', 'imagePullSecrets'] as const;

/**
 * Maximum number of entries in each list of an injected pod. A kubelet manages some dozens; a request has room for a
 * hundred thousand, and every sidecar looks at each of them.
 */
const mostEntries = 1_000;

/**
 * Returns fields that the patch builds on and that have the wrong type for a pod, which the API server would reject as
 * well, and lists with too many entries.
 */
export function shapeProblems(view: PodView): Reason[] {
  if (view.spec === undefined) return [reason('InvalidPod', 'the pod has no spec')];
  const { spec } = view;
  const metadata = member(view.pod, 'metadata');
  if (metadata !== undefined && metadata !== null && view.metadata === undefined) {
    return [reason('InvalidPod', 'metadata is not a map')];
  }
  const found = lists
    .filter((name) => {
      const value = member(spec, name);
      return value !== undefined && value !== null && !Array.isArray(value);
    })
    .map((name) => reason('InvalidPod', `spec.${name} is not a list`));
  for (const name of lists) {
    const value = member(spec, name);
    if (!Array.isArray(value)) continue;
    if (value.length > mostEntries) {
      const sentence = `spec.${name} has ${value.length} entries; at most ${mostEntries} can be injected`;
      found.push(reason('InvalidPod', sentence));
    }
    const index = value.findIndex((item: Json) => !isObject(item));
    if (index >= 0) found.push(reason('InvalidPod', `spec.${name}[${index}] is not an object`));
  }
  for (const name of ['labels', 'annotations'] as const) {
    const value = member(view.metadata, name);
    if (value !== undefined && value !== null && (typeof value !== 'object' || Array.isArray(value))) {
      found.push(reason('InvalidPod', `metadata.${name} is not a map`));
    }
  }
  return found;
}
