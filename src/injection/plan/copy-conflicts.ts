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

/** Ports that two containers declare. */
function portConflicts(containers: readonly NamedObject[]): Reason[] {
  const owners = new Map<string, string>();
  return containers.flatMap((container) =>
    portsOf(container).flatMap((port) => {
      const other = owners.get(port);
      owners.set(port, container.name);
      if (other === undefined || other === container.name) return [];
      const names = `${quote(other)} and ${quote(container.name)}`;
      return [reason('PortConflict', `containers ${names}, both injected, declare ${port}; use another port`)];
    }),
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
 * Returns conflicts between the injected containers that the pod's own copies of them bring about: ports that two of them
 * declare, and resources that cannot be fitted.
 *
 * @param containers all injected ones, with the copies merged in
 */
export function copyConflicts(
  view: PodView,
  containers: readonly NamedObject[],
  copies: readonly PodContainer[],
): Reason[] {
  const own = copies.filter(({ name }) => isInjectedName(name));
  return own.length === 0 ? [] : [...portConflicts(containers), ...hugePageConflicts(view, own)];
}
