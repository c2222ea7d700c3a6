import jsonPatch from 'fast-json-patch';
import { statusAnnotation } from '../../pod/conventions.ts';
import { isObject, member, objectMember, objectsMember, stringMember, type JsonObject } from '../../json/json.ts';
import type { Operation } from '../../json/operation.ts';

import { containerLists, isInjectedName, type ContainerList } from '../../pod/containers.ts';
import type { InjectionStatus } from './status.ts';

type Lists = { readonly [list in ContainerList]: readonly JsonObject[] };

/** Counts the objects of each name, once, because status and pod may both be long. */
function countNames(objects: readonly JsonObject[]): ReadonlyMap<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const object of objects) {
    const name = stringMember(object, 'name');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/**
 * Returns the volumes that other containers mount. The pod template of a StatefulSet mounts volumes that only its
 * claims provide, and a sidecar may share one of those.
 */
function mountedByOthers(lists: Lists, record: InjectionStatus): ReadonlySet<string | undefined> {
  const others = containerLists.flatMap((list) => {
    const recorded = new Set(record[list]);
    return lists[list].filter((container) => !recorded.has(stringMember(container, 'name') ?? ''));
  });
  // What the pod's own containers mounted before one of Istio's templates changed them.
  const changed = record.undo.overrides
    .map(({ container }) => container)
    .filter((container) => !isInjectedName(stringMember(container, 'name') ?? ''));
  return new Set(
    [...others, ...changed].flatMap((container) =>
      objectsMember(container, 'volumeMounts').map((mount) => stringMember(mount, 'name')),
    ),
  );
}

/** What the operator's settings allow although it otherwise counts as a violation. */
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
  // Application containers changed by one of Istio's templates: their other content is the user's.
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
      const paths = new Set<string>();
      for (const mount of objectsMember(container, 'volumeMounts')) {
        const volume = stringMember(mount, 'name') ?? '';
        const path = stringMember(mount, 'mountPath') ?? '';
        if (paths.has(path)) violations.push(`container ${name} mounts ${path} twice`);
        paths.add(path);
        if (!volumes.has(volume) && !isMounted(volume))
          violations.push(`container ${name} mounts volume ${volume}, which does not exist`);
      }
      // A declared container that has ended does not listen any more, and others may declare its ports.
      const listens =
        isInjectedName(name) || list === 'containers' || stringMember(container, 'restartPolicy') === 'Always';
      for (const port of listens ? objectsMember(container, 'ports') : []) {
        const number = `${JSON.stringify(member(port, 'containerPort') ?? null)} ${stringMember(port, 'protocol') ?? 'TCP'}`;
        if (ports.has(number)) violations.push(`port ${number} is declared twice by injected containers`);
        ports.add(number);
      }
      const security = objectMember(container, 'securityContext');
      // Declared sidecars may be privileged where the settings allow it, which has been decided before.
      const isPrivileged = isObject(security) && member(security, 'privileged') === true;
      if (isPrivileged && isInjectedName(name) && !allowed.privilegedProxy)
        violations.push(`container ${name} is privileged`);
    }
  }
}

/** Returns what is wrong with the parts of the pod that the status names as injected. */
export function violationsIn(pod: JsonObject, record: InjectionStatus, allowed: Allowed): string[] {
  const violations: string[] = [];
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

/**
 * Applies the operations to the pod IN PLACE and returns violations in what we added. The user's own mistakes are left
 * to the API server. A failurePolicy of Ignore does not help against a bad patch, so no patch is sent unverified.
 *
 * Afterwards the values of the operations are part of the pod: serialise them before.
 */
export function applyAndVerify(
  pod: JsonObject,
  operations: readonly Operation[],
  record: InjectionStatus,
  allowed: Allowed = { privilegedProxy: false },
): string[] {
  try {
    jsonPatch.applyPatch(pod, operations as jsonPatch.Operation[], false, true, true);
  } catch (error) {
    const cause = error instanceof Error ? error.message.split('\n')[0] : String(error);
    return [`the patch does not apply: ${cause}`];
  }
  return violationsIn(pod, record, allowed);
}
