import { member, objectsMember, stringMember, type JsonObject, type NamedObject } from '../../json/json.ts';
import { quote } from '../../grammar/problem.ts';
import { isInjectedName, type PodContainer } from '../../pod/containers.ts';
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
  const paths = objectsMember(container, 'volumeMounts').map((mount) => stringMember(mount, 'mountPath') ?? '');
  const twice = new Set(paths.filter((path, index) => paths.indexOf(path) !== index));
  return [...twice].map((path) =>
    reason('MountConflict', `container ${quote(container.name)} mounts two volumes at ${quote(path)}; leave one out`),
  );
}

/**
 * Returns conflicts that the pod's own copies of injected containers bring about: ports that two of the containers declare,
 * and paths that are mounted twice.
 *
 * @param containers all injected ones, with the copies merged in
 */
export function copyConflicts(containers: readonly NamedObject[], copies: readonly PodContainer[]): Reason[] {
  const own = new Set(copies.map(({ name }) => name).filter(isInjectedName));
  if (own.size === 0) return [];
  return [...portConflicts(containers), ...containers.filter(({ name }) => own.has(name)).flatMap(mountConflicts)];
}
