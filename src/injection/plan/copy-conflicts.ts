import { member, objectsMember, stringMember, type JsonObject, type NamedObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';
import { isInjectedName, type PodContainer } from '../../pod/containers.ts';
import { resourcesIn } from '../../pod/resources.ts';
import type { PodView } from '../../pod/view.ts';
import { reason, type Reason } from '../policy/reason.ts';

function portsOf(container: JsonObject): string[] {
  return objectsMember(container, 'ports').flatMap((port) => {
    const number = member(port, 'containerPort');
    return typeof number === 'number' ? [`${stringMember(port, 'protocol') ?? 'TCP'} port ${number}`] : [];
  });
}

function portConflicts(containers: readonly NamedObject[]): Reason[] {
  const owners = new Map<string, string>();
  return containers.flatMap((container) =>
    portsOf(container).flatMap((port) => {
      const other = owners.get(port);
      owners.set(port, container.name);
      if (other === undefined) return [];
      const also = other === container.name ? 'twice' : `and so does container ${quote(other)}`;
      const sentence = `container ${quote(container.name)} declares ${port}, ${also}; use another port`;
      return [reason('PortConflict', sentence)];
    }),
  );
}

function mountConflicts(container: NamedObject): Reason[] {
  const seen = new Set<string>();
  const paths = objectsMember(container, 'volumeMounts').map((mount) => stringMember(mount, 'mountPath') ?? '');
  const twice = new Set(paths.filter((path) => seen.size === seen.add(path).size));
  return [...twice].map((path) =>
    reason('MountConflict', `container ${quote(container.name)} mounts two volumes at ${quote(path)}; leave one out`),
  );
}

/**
 * Huge pages of a copy count twice where the pod says how many it has in all: the copy becomes a native sidecar, which
 * runs beside the init containers, and they cannot be cut as other resources are.
 */
function hugePageConflicts(view: PodView, copies: readonly PodContainer[]): Reason[] {
  const whole = resourcesIn(view.spec);
  return copies.flatMap(({ name, raw }) => {
    const { requests, limits } = resourcesIn(raw);
    const asked = Object.keys({ ...requests, ...limits }).filter(
      (resource) =>
        resource.startsWith('hugepages-') &&
        [whole.requests, whole.limits].some((list) => Object.hasOwn(list, resource)),
    );
    return asked.map((resource) => {
      const sentence = `container ${quote(name)}, resources: ${resource} may not be set where the pod has resources of its own for it`;
      return reason('InvalidOverride', sentence);
    });
  });
}

/**
 * Returns conflicts within the injected containers that the pod brings about: ports that two of them declare because of
 * its own copies, and paths at which its copies or annotations mount a second volume.
 *
 * @param containers all injected ones, with the copies merged in
 */
export function copyConflicts(
  view: PodView,
  containers: readonly NamedObject[],
  copies: readonly PodContainer[],
): Reason[] {
  const mounts = containers.filter(({ name }) => isInjectedName(name)).flatMap(mountConflicts);
  const own = copies.filter(({ name }) => isInjectedName(name));
  if (own.length === 0) return mounts;
  return [...portConflicts(containers), ...mounts, ...hugePageConflicts(view, own)];
}
