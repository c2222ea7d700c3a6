import { isObject, member, objectMember, type Json, type JsonObject } from '../../../src/json/json.ts';

function items(object: JsonObject | undefined, key: string): readonly Json[] | undefined {
  const value = object === undefined ? null : (member(object, key) ?? null);
  if (value === null) return [];
  return Array.isArray(value) ? (value as readonly Json[]) : undefined;
}

/** Whether the member is a list of objects, each with another text under `key`, as the API server demands. */
function areUnique(object: JsonObject | undefined, list: string, key: string): boolean {
  const keys = items(object, list)?.map((item) => (isObject(item) ? member(item, key) : undefined));
  return (
    keys !== undefined &&
    keys.every((one) => typeof one === 'string' && one !== '') &&
    new Set(keys).size === keys.length
  );
}

function areTexts(object: JsonObject | undefined, key: string): boolean {
  const value = object === undefined ? null : (member(object, key) ?? null);
  return value === null || (isObject(value) && Object.values(value).every((text) => typeof text === 'string'));
}

const handlers = ['readinessProbe', 'livenessProbe', 'startupProbe', 'lifecycle/preStop', 'lifecycle/postStart'];

/** A handler has at most one action, and what it has are objects. */
function areHandlers(container: JsonObject): boolean {
  return handlers.every((way) => {
    let value: Json = container;
    for (const step of way.split('/')) {
      if (!isObject(value)) return false;
      const inner: Json = member(value, step) ?? null;
      if (inner === null) return true;
      value = inner;
    }
    if (!isObject(value)) return false;
    const handler = value;
    const actions = ['httpGet', 'tcpSocket', 'grpc', 'exec', 'sleep'].filter(
      (key) => member(handler, key) !== undefined,
    );
    return actions.length <= 1 && actions.every((key) => isObject(member(handler, key)));
  });
}

function isContainer(container: Json): boolean {
  return (
    isObject(container) &&
    areUnique(container, 'env', 'name') &&
    areUnique(container, 'volumeMounts', 'mountPath') &&
    areHandlers(container)
  );
}

/**
 * Whether the pod is one as far as an injection and its way back are concerned; what is not is refused by the API server,
 * which asks webhooks before it looks.
 */
export function isWellFormed(pod: JsonObject): boolean {
  const metadata = objectMember(pod, 'metadata');
  const spec = objectMember(pod, 'spec');
  const containers = [...(items(spec, 'initContainers') ?? []), ...(items(spec, 'containers') ?? [])];
  return (
    areTexts(metadata, 'labels') &&
    areTexts(metadata, 'annotations') &&
    areUnique({ all: containers }, 'all', 'name') &&
    areUnique(spec, 'volumes', 'name') &&
    areUnique(spec, 'imagePullSecrets', 'name') &&
    containers.every(isContainer)
  );
}
