import jsonPatch from 'fast-json-patch';
import { statusAnnotation } from '../settings/constants.ts';
import { isObject, member, objectMember, objectsMember, stringMember, type JsonObject } from '../settings/json.ts';
import type { Operation } from './operation.ts';
import { isInjectedName } from './override.ts';
import type { ContainerList, Record } from './record.ts';

type Lists = { readonly [list in ContainerList]: readonly JsonObject[] };

function count(objects: readonly JsonObject[], name: string): number {
  return objects.filter((object) => stringMember(object, 'name') === name).length;
}

/** A StatefulSet's pod template mounts volumes that only its claims bring; a sidecar may share such a one. */
function isMountedByOthers(lists: Lists, volume: string, record: Record): boolean {
  return (['initContainers', 'containers'] as const).some((list) =>
    lists[list].some(
      (container) =>
        !record[list].includes(stringMember(container, 'name') ?? '') &&
        count(objectsMember(container, 'volumeMounts'), volume) > 0,
    ),
  );
}

/** What an operator's settings allow that is a defect otherwise. */
export interface Allowed {
  /** Istio's values may make its proxy privileged. */
  readonly privilegedProxy: boolean;
}

function checkContainers(spec: JsonObject | undefined, record: Record, allowed: Allowed, violations: string[]): void {
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
  const volumes = objectsMember(spec, 'volumes');
  const ports = new Set<string>();
  for (const list of ['initContainers', 'containers'] as const) {
    for (const name of record[list]) {
      const times = count(lists.initContainers, name) + count(lists.containers, name);
      if (times !== 1) violations.push(`container ${name} is there ${times} times`);
      const container = lists[list].find((candidate) => stringMember(candidate, 'name') === name);
      if (container === undefined) violations.push(`container ${name} is not in ${list}`);
      if (changed.has(name)) continue;
      for (const mount of objectsMember(container, 'volumeMounts')) {
        const volume = stringMember(mount, 'name') ?? '';
        if (count(volumes, volume) === 0 && !isMountedByOthers(lists, volume, record))
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
  record: Record,
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
  const volumes = objectsMember(spec, 'volumes');
  for (const name of record.volumes) {
    const times = count(volumes, name);
    if (times !== 1) violations.push(`volume ${name} is there ${times} times`);
  }
  const annotations = objectMember(objectMember(pod, 'metadata'), 'annotations');
  if (annotations === undefined || !Object.hasOwn(annotations, statusAnnotation)) {
    violations.push('the status annotation is missing');
  }
  return violations;
}
