import { parseQuantity } from '../../../src/grammar/quantity.ts';
import { objectMember, objectsMember, stringMember, type JsonObject } from '../../../src/json/json.ts';

/** The pod of a manifest, or its template. */
export function podOf(object: JsonObject): JsonObject | undefined {
  return stringMember(object, 'kind') === 'Pod' ? object : objectMember(objectMember(object, 'spec'), 'template');
}

/** All containers of the pod. */
export function containersOf(object: JsonObject): JsonObject[] {
  const spec = objectMember(podOf(object), 'spec');
  return [...objectsMember(spec, 'containers'), ...objectsMember(spec, 'initContainers')];
}

/** Whether the API server refuses the pod: two containers of a name, none, or containers that contradict themselves. */
export function isInvalid(object: JsonObject): boolean {
  const names = containersOf(object).map((one) => stringMember(one, 'name'));
  const spec = objectMember(podOf(object), 'spec');
  const isEmpty = objectsMember(spec, 'containers').length === 0;
  const hasTwoChoices =
    containersOf(object).some(hasContradiction) ||
    objectsMember(spec, 'volumes').some((volume) => Object.keys(volume).length > 2);
  return isEmpty || hasTwoChoices || new Set(names).size < names.length || hasBadMounts(object);
}

/** A volume that the pod has not, or a path twice. */
function hasBadMounts(object: JsonObject): boolean {
  const volumes = new Set(
    objectsMember(objectMember(podOf(object), 'spec'), 'volumes').map((volume) => volume['name']),
  );
  return containersOf(object).some((container) => {
    const mounts = objectsMember(container, 'volumeMounts');
    const paths = mounts.map((mount) => mount['mountPath']);
    return new Set(paths).size < paths.length || mounts.some((mount) => !volumes.has(mount['name']));
  });
}

const handlers = new Set(['exec', 'grpc', 'httpGet', 'sleep', 'tcpSocket']);

/** Whether the API server refuses a container because it has two of which it may have one. */
function hasContradiction(container: JsonObject): boolean {
  const lifecycle = objectMember(container, 'lifecycle');
  const actions = [
    ...['livenessProbe', 'readinessProbe', 'startupProbe'].map((name) => objectMember(container, name)),
    ...['postStart', 'preStop'].map((name) => objectMember(lifecycle, name)),
  ];
  const security = objectMember(container, 'securityContext');
  return (
    actions.some((action) => Object.keys(action ?? {}).filter((key) => handlers.has(key)).length > 1) ||
    objectsMember(container, 'env').some((item) => item['valueFrom'] !== undefined && (item['value'] ?? '') !== '') ||
    (security?.['privileged'] === true && security['allowPrivilegeEscalation'] === false) ||
    requestsTooMuch(objectMember(container, 'resources'))
  );
}

function requestsTooMuch(resources: JsonObject | undefined): boolean {
  const [requests, limits] = [objectMember(resources, 'requests'), objectMember(resources, 'limits')];
  const amount = (of: JsonObject | undefined, name: string): number | undefined => {
    const value = of?.[name];
    return typeof value === 'string' || typeof value === 'number' ? parseQuantity(String(value)) : undefined;
  };
  return Object.keys(requests ?? {}).some((name) => (amount(requests, name) ?? 0) > (amount(limits, name) ?? Infinity));
}
