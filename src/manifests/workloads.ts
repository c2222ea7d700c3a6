import { isObject, member, objectMember, stringMember, type Json, type JsonObject } from '../json/json.ts';
import { escapeToken } from '../json/operation.ts';
import { pointerTokens } from '../json/pointer.ts';

/** Path of the pod template by `Kind.group`, in any version. Kinds of the core group have no suffix. */
export type TemplatePaths = ReadonlyMap<string, string>;

const template = '/spec/template';

const knownPaths: TemplatePaths = new Map([
  ['Pod', ''],
  ['PodTemplate', '/template'],
  ['ReplicationController', template],
  ['DeploymentConfig', template],
  ['DeploymentConfig.apps.openshift.io', template],
  ...['Deployment', 'DaemonSet', 'ReplicaSet', 'StatefulSet'].flatMap((kind): [string, string][] => [
    [`${kind}.apps`, template],
    [`${kind}.extensions`, template],
  ]),
  ['Job.batch', template],
  ['CronJob.batch', '/spec/jobTemplate/spec/template'],
  ['Rollout.argoproj.io', template],
]);

/** An object of a document. The injector decides about `pod`. If there is no pod, `skipReason` says why. */
export interface FoundObject {
  /** Pointer of the object in its document. */
  readonly pointer: string;
  readonly object: JsonObject;
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
  /** The pod template with its pointer in the document, or the pod itself. */
  readonly pod: { readonly pointer: string; readonly value: JsonObject } | undefined;
  /** One sentence. Empty if there is a pod. */
  readonly skipReason: string;
}

/** Reads `Kind.group=/path`, such as `Service.serving.knative.dev=/spec/template`. */
export function readTemplatePath(text: string): { kind: string; path: string } | undefined {
  const match = /^([A-Za-z][A-Za-z0-9]*(?:\.[a-z0-9.-]+)?)=((?:\/[^/]+)+)$/.exec(text);
  return match?.[1] === undefined || match[2] === undefined ? undefined : { kind: match[1], path: match[2] };
}

function groupKind(apiVersion: string, kind: string): string {
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? kind : `${kind}.${apiVersion.slice(0, slash)}`;
}

function valueAt(object: JsonObject, pointer: string): Json | undefined {
  let at: Json | undefined = object;
  for (const token of pointerTokens(pointer)) {
    if (!isObject(at)) return undefined;
    at = member(at, token);
  }
  return at;
}

function nameOf(object: JsonObject): string {
  const metadata = objectMember(object, 'metadata');
  const prefix = stringMember(metadata, 'generateName');
  return stringMember(metadata, 'name') ?? (prefix === undefined ? '(no name)' : `${prefix}*`);
}

function holdsPod(value: Json | undefined): value is JsonObject {
  return isObject(value) && isObject(member(value, 'spec'));
}

function whyNoPod(object: JsonObject, key: string, path: string | undefined): string {
  if (path !== undefined) {
    if (isObject(valueAt(object, '/spec/workloadRef')))
      return 'its pods come from the workload that spec.workloadRef names';
    return `has no pod at ${path === '' ? '/spec' : `${path}/spec`}`;
  }
  const guess = objectMember(objectMember(object, 'spec'), 'template');
  if (holdsPod(guess) && Array.isArray(valueAt(guess, '/spec/containers'))) {
    return `an unknown workload; --pod-template ${key}=${template} takes the pod from there`;
  }
  return 'does not create pods';
}

function findOne(
  object: JsonObject,
  pointer: string,
  apiVersion: string,
  kind: string,
  paths: TemplatePaths,
): FoundObject {
  const key = groupKind(apiVersion, kind);
  const path = paths.get(key) ?? knownPaths.get(key);
  const value = path === undefined ? undefined : valueAt(object, path);
  const pod = path !== undefined && holdsPod(value) ? { pointer: pointer + path, value } : undefined;
  return {
    pointer,
    object,
    apiVersion,
    kind,
    name: nameOf(object),
    namespace: stringMember(objectMember(object, 'metadata'), 'namespace'),
    pod,
    skipReason: pod === undefined ? whyNoPod(object, key, path) : '',
  };
}

/**
 * Finds all objects of a document, in order, including those of nested Lists. `paths` extends the known workloads. A
 * value that is not a Kubernetes object yields none.
 */
export function findObjects(value: Json, paths: TemplatePaths = new Map(), pointer = ''): readonly FoundObject[] {
  return findTyped(value, paths, pointer, '', '');
}

function findTyped(value: Json, paths: TemplatePaths, pointer: string, version: string, type: string): FoundObject[] {
  if (!isObject(value)) return [];
  const apiVersion = stringMember(value, 'apiVersion') ?? version;
  const kind = stringMember(value, 'kind') ?? type;
  if (kind === '') return [];
  const items = member(value, 'items');
  if (kind.endsWith('List') && Array.isArray(items)) {
    // The items of a typed list from the API server, such as a PodList, have no kind and version of their own.
    const itemKind = kind.slice(0, -'List'.length);
    return (items as readonly Json[]).flatMap((item, index) =>
      findTyped(
        item,
        paths,
        `${pointer}/items/${escapeToken(String(index))}`,
        itemKind === '' ? '' : apiVersion,
        itemKind,
      ),
    );
  }
  return [findOne(value, pointer, apiVersion, kind, paths)];
}
