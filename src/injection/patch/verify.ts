import jsonPatch from 'fast-json-patch';
import { statusAnnotation } from '../../pod/conventions.ts';
import { isObject, member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import type { Operation } from '../../json/operation.ts';

import { containerLists, isInjectedName, type ContainerList } from '../../pod/containers.ts';
import type { InjectionStatus } from './status.ts';

type Lists = { readonly [list in ContainerList]: readonly JsonObject[] };

/** How often each name is there; counted once, because record and pod may both be long. */
function countNames(objects: readonly JsonObject[]): ReadonlyMap<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const object of objects) {
    const name = stringMember(object, 'name');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** A StatefulSet's pod template mounts volumes that only its claims bring; a sidecar may share such a one. */
function mountedByOthers(lists: Lists, record: InjectionStatus): ReadonlySet<string | undefined> {
  return new Set(
    containerLists.flatMap((list) => {
      const recorded = new Set(record[list]);
      return lists[list]
        .filter((container) => !recorded.has(stringMember(container, 'name') ?? ''))
        .flatMap((container) => objectsMember(container, 'volumeMounts').map((mount) => stringMember(mount, 'name')));
    }),
  );
}

/** What an operator's settings allow that is a defect otherwise. */
export interface Allowed {
  /** Istio's values may make its proxy privileged. */
  readonly privilegedProxy: boolean;
}

function checkContainers(
  spec: JsonObject | undefined,
  record: InjectionStatus,
  allowed: Allowed,
  violations: string[],
): void {
  // Containers of the application that a template of Istio's changed: what else is in them is the user's.
  const changed = new Set(
    record.undo.overrides
      .map(({ container }) => stringMember(container, 'name') ?? '')
      .filter((name) => !isInjectedName(name)),
  );
  const lists: Lists = {
    initContainers: objectsMember(spec, 'initContainers'),
    containers: objectsMember(spec, 'containers'),
  };
  const times = countNames([...lists.initContainers, ...lists.containers]);
  const volumes = new Set(objectsMember(spec, 'volumes').map((volume) => stringMember(volume, 'name')));
  let others: ReadonlySet<string | undefined> | undefined;
  const isMounted = (volume: string): boolean => (others ??= mountedByOthers(lists, record)).has(volume);
  const ports = new Set<string>();
  for (const list of containerLists) {
    const byName = new Map(lists[list].map((container) => [stringMember(container, 'name'), container]));
    for (const name of record[list]) {
      const found = times.get(name) ?? 0;
      if (found !== 1) violations.push(`container ${name} is there ${found} times`);
      const container = byName.get(name);
      if (container === undefined) violations.push(`container ${name} is not in ${list}`);
      if (changed.has(name)) continue;
      for (const mount of objectsMember(container, 'volumeMounts')) {
        const volume = stringMember(mount, 'name') ?? '';
        if (!volumes.has(volume) && !isMounted(volume))
          violations.push(`container ${name} mounts volume ${volume}, which does not exist`);
      }
      for (const port of objectsMember(container, 'ports')) {
        const number = `${JSON.stringify(member(port, 'containerPort') ?? null)} ${stringMember(port, 'protocol') ?? 'TCP'}`;
        if (ports.has(number)) violations.push(`port ${number} is declared twice by injected containers`);
        ports.add(number);
      }
      const security = objectMember(container, 'securityContext');
      // A declared sidecar may be, where the settings say so; that was decided before.
      const isPrivileged = isObject(security) && member(security, 'privileged') === true;
      if (isPrivileged && isInjectedName(name) && !allowed.privilegedProxy)
        violations.push(`container ${name} is privileged`);
    }
  }
}

/**
 * Applies the operations to the pod IN PLACE and checks what we added; the user's own mistakes are the API server's to
 * refuse. A failurePolicy of Ignore does not rescue a bad patch, so nothing goes out unverified.
 *
 * The operations' values are part of the pod afterwards: serialise them before.
 */
export function applyAndVerify(
  pod: JsonObject,
  operations: readonly Operation[],
  record: InjectionStatus,
  allowed: Allowed = { privilegedProxy: false },
): string[] {
  const violations: string[] = [];
  try {
    jsonPatch.applyPatch(pod, operations as jsonPatch.Operation[], false, true, true);
  } catch (error) {
    const cause = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return [`the patch does not apply: ${cause}`];
  }
  const spec = objectMember(pod, 'spec');
  checkContainers(spec, record, allowed, violations);
  const volumes = countNames(objectsMember(spec, 'volumes'));
  for (const name of record.volumes) {
    const times = volumes.get(name) ?? 0;
    if (times !== 1) violations.push(`volume ${name} is there ${times} times`);
  }
  const annotations = objectMember(objectMember(pod, 'metadata'), 'annotations');
  if (annotations === undefined || !Object.hasOwn(annotations, statusAnnotation)) {
    violations.push('the status annotation is missing');
  }
  return violations;
}
