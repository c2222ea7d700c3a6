import { proxyName } from '../../../istio/templates/template-pod.ts';
import { namedObjects } from '../../../istio/templates/volumes.ts';
import type { RenderedPod } from '../../../istio/templates/render.ts';
import { annotationNames } from '../../../pod/annotation-names.ts';
import type { PodView } from '../../../pod/view.ts';
import { objectsMember, stringMember, type JsonObject } from '../../../json/json.ts';
import { quote, type Problem } from '../../../grammar/problem.ts';
import { reason, type Reason } from '../../policy/reason.ts';

function mountsOf(containers: readonly JsonObject[]): JsonObject[] {
  return containers.flatMap((container) => objectsMember(container, 'volumeMounts'));
}

/**
 * Returns what is wrong with mounts by annotation, where a template has them: no path, a volume that the pod does not
 * have, or a path that is mounted already. The API server would reject the pod. Volumes that only claims bring are not
 * checked.
 */
function mountProblems(view: PodView, { volumes, containers, initContainers }: RenderedPod): Problem[] {
  const asked = namedObjects(view.annotations, annotationNames.userVolumeMount);
  const proxies = [...initContainers, ...containers].filter((one) => stringMember(one, 'name') === proxyName);
  const injected = mountsOf(proxies).map((mount) => ({
    name: stringMember(mount, 'name'),
    path: stringMember(mount, 'mountPath') ?? '',
  }));
  const own = mountsOf([...view.containers, ...view.initContainers]);
  const known = new Set([...volumes, ...own].map((object) => stringMember(object, 'name')));
  const where = annotationNames.userVolumeMount;
  return asked.flatMap((mount): Problem[] => {
    const { name } = mount;
    const path = stringMember(mount, 'mountPath') ?? '';
    if (!injected.some((one) => one.name === name && one.path === path)) return [];
    if (path === '') return [{ where, message: `${quote(name)} has no mountPath; allowed: an absolute path` }];
    const message = `${quote(name)} is no volume of the pod; allowed: ${[...known].join(', ')}`;
    const others = injected.filter((one) => one.path === path).map((one) => quote(one.name ?? ''));
    const taken = `${quote(path)} is mounted twice, for ${others.join(' and ')}; choose another path`;
    return [
      ...(known.has(name) ? [] : [{ where, message }]),
      ...(others.length > 1 ? [{ where, message: taken }] : []),
    ];
  });
}

/** Returns the problems of volumes by annotation that have the name of an injected volume. */
function volumeProblems(view: PodView, { volumes }: RenderedPod): Problem[] {
  const names = volumes.map((volume) => stringMember(volume, 'name'));
  return namedObjects(view.annotations, annotationNames.userVolume)
    .filter(({ name }) => names.indexOf(name) !== names.lastIndexOf(name))
    .map(({ name }) => ({
      where: annotationNames.userVolume,
      message: `${quote(name)} is the name of another volume of the pod; rename it`,
    }));
}

/** Returns what is wrong with the volumes and mounts that the pod's annotations add to the proxy. */
export function userMountProblems(view: PodView, rendered: RenderedPod): Problem[] {
  return [...volumeProblems(view, rendered), ...mountProblems(view, rendered)];
}

function nameOf(object: JsonObject): string {
  return stringMember(object, 'name') ?? '';
}

/**
 * Returns why the containers that templates add would make no valid pod: a template takes out a volume that another one
 * mounts, or two of them declare one port. Containers that the pod has as well are checked with its copies.
 *
 * @param own names of containers that are the pod's own
 */
export function templateFaults(view: PodView, rendered: RenderedPod, own: ReadonlySet<string>): Reason[] {
  const { volumes, containers, initContainers } = rendered;
  const present = [...view.initContainers, ...view.containers];
  // Mounts by annotation have a message of their own.
  const asked = namedObjects(view.annotations, annotationNames.userVolumeMount).map(({ name }) => name);
  const known = new Set([...volumes.map(nameOf), ...mountsOf(present).map(nameOf), ...asked]);
  const copied = new Set(present.map(nameOf));
  const added = [...initContainers, ...containers].filter((container) => !own.has(nameOf(container)));
  const fresh = added.filter((container) => !copied.has(nameOf(container)));
  const owners = new Map<string, string>();
  const faults = fresh.flatMap((container) =>
    mountsOf([container])
      .map(nameOf)
      .filter((volume) => !known.has(volume))
      .map((volume) => {
        const sentence = `container ${quote(nameOf(container))} mounts volume ${quote(volume)}, which no template and not the pod has`;
        return reason('MissingInPod', sentence);
      }),
  );
  for (const container of added) {
    for (const port of objectsMember(container, 'ports')) {
      const text = `${JSON.stringify(port['containerPort'] ?? null)}/${stringMember(port, 'protocol') ?? 'TCP'}`;
      const owner = owners.get(text);
      owners.set(text, nameOf(container));
      if (owner === undefined || owner === nameOf(container)) continue;
      const sentence = `containers ${quote(owner)} and ${quote(nameOf(container))}, both injected, declare port ${text}`;
      faults.push(reason('PortConflict', sentence));
    }
  }
  return faults;
}
