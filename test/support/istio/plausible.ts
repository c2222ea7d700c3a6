import { isObject, objectMember, objectsMember, type Json, type JsonObject } from '../../../src/json/json.ts';

/** Names of containers that templates complete, so that the pod's own copies need no image. */
const completed: ReadonlySet<Json | undefined> = new Set([
  'istio-proxy',
  'istio-init',
  'istio-validation',
  'enable-core-dump',
  'grpc-bootstrap-init',
]);

function isWhole(value: Json | undefined): boolean {
  if (Array.isArray(value)) return (value as readonly Json[]).every(isWhole);
  if (!isObject(value)) return true;
  const mounts = objectsMember(value, 'volumeMounts').every(
    (one) => one['name'] !== undefined && one['mountPath'] !== undefined,
  );
  const ports = objectsMember(value, 'ports').every((one) => one['containerPort'] !== undefined);
  const named = ['env', 'volumes', 'imagePullSecrets'].every((list) =>
    objectsMember(value, list).every((one) => one['name'] !== undefined),
  );
  const actions = ['httpGet', 'tcpSocket', 'grpc'].every((action) => {
    const found = objectMember(value, action);
    return found === undefined || found['port'] !== undefined;
  });
  const owners = objectsMember(value, 'ownerReferences').every(
    (one) => one['apiVersion'] !== undefined && one['kind'] !== undefined && one['name'] !== undefined,
  );
  return mounts && ports && named && actions && owners && Object.values(value).every(isWhole);
}

/** Whether a case that was made smaller is one that could happen: objects keep what Kubernetes requires. */
export function isPlausible(parts: JsonObject): boolean {
  const settings = objectMember(parts, 'settings');
  const global = objectMember(objectMember(settings, 'values'), 'global');
  const complete = ['meshConfig', 'native', 'openShift', 'compliance'].every((key) => settings?.[key] !== undefined);
  if (!complete || global?.['hub'] === undefined || global['tag'] === undefined || parts['path'] === undefined)
    return false;
  const object = objectMember(parts, 'object');
  const pod = object?.['kind'] === 'Pod' ? object : objectMember(objectMember(object, 'spec'), 'template');
  const spec = objectMember(pod, 'spec');
  const metadata = objectMember(object, 'metadata');
  if (object === undefined || object['apiVersion'] === undefined || object['kind'] === undefined) return false;
  if (metadata?.['namespace'] === undefined || (metadata['name'] ?? metadata['generateName']) === undefined)
    return false;
  const containers = objectsMember(spec, 'containers');
  if (containers.length === 0) return false;
  return (
    [...containers, ...objectsMember(spec, 'initContainers')].every(
      (one) => one['name'] !== undefined && (one['image'] !== undefined || completed.has(one['name'])),
    ) && isWhole(object)
  );
}
