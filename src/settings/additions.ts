import { names } from '../pod/conventions.ts';
import { withFieldNames } from '../pod/field-case.ts';
import type { Parsed } from '../grammar/grammar.ts';
import type { Grammar } from '../grammar/grammar.ts';
import { isObject, member, stringMember, type Json, type JsonObject, type NamedObject } from '../json/json.ts';
import { jsonObjectOrList } from '../grammar/json-grammar.ts';
import { quote } from '../grammar/problem.ts';

/** Additions of a pod to its proxy. They grant nothing that the author of the pod could not write into the pod itself. */
export interface Additions {
  readonly env: readonly NamedObject[];
  readonly volumes: readonly NamedObject[];
  readonly volumeMounts: readonly NamedObject[];
}

/** The maximum number of each. For more, use a sidecar template. */
const most = 32;

/** Sources limited to the pod and its namespace's ConfigMaps and claims. A Secret would be a new reference. */
const volumeSources = ['emptyDir', 'configMap', 'downwardAPI', 'projected', 'persistentVolumeClaim'] as const;
const projectedSources = ['configMap', 'downwardAPI'] as const;
const valueSources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef'] as const;

const ownVolumes: ReadonlySet<string> = new Set([
  names.logsVolume,
  names.podInfoVolume,
  names.tokenMaskVolume,
  names.adminVolume,
  names.meshTokenVolume,
]);
/**
 * Names of variables that Envoy reads, or that a profile's patch may refer to. All others are for the programs around it: the
 * dynamic loader, the C library and the shell of the hooks take code and files from theirs, and no list of those is complete.
 */
const variableNames = /^(?:TZ|(?:ENVOY|ISTIO_META|OTEL|PROXY|TCMALLOC)_[A-Za-z0-9_]{1,240})$/;
const variableWords = 'TZ and names that begin with ENVOY_, ISTIO_META_, OTEL_, PROXY_ or TCMALLOC_';

/**
 * Folders that hold data and that no program of an image looks into by itself. Everything else of a file system decides what
 * runs in the container, or how.
 */
const dataFolders = [
  '/cache',
  '/certs',
  '/config',
  '/data',
  '/etc/certs',
  '/etc/envoy',
  '/etc/istio',
  '/home',
  '/media',
  '/mnt',
  '/opt',
  '/srv',
  '/tmp',
  '/var/cache',
  '/var/lib',
  '/var/local',
  '/var/log',
];

/** Mounts of the proxy itself within them. */
const ownPaths = ['/var/log/istio', '/etc/istio/pod'];

type Check = (item: NamedObject) => string | undefined;

/** Parses named items from an object (`name -> fields`), as in Istio, or from a list, as in Kubernetes. */
function byName(text: string, fieldsOf: (value: Json) => JsonObject | undefined): NamedObject[] | undefined {
  const parsed = jsonObjectOrList.parse(text);
  if ('problem' in parsed) return undefined;
  const items: NamedObject[] = [];
  const { value } = parsed;
  const entries: [string | undefined, Json | undefined][] = Array.isArray(value)
    ? (withFieldNames(value) as readonly Json[]).map((item) => [
        isObject(item) ? stringMember(item, 'name') : undefined,
        item,
      ])
    : Object.entries(value as JsonObject).map(([name, item = null]) => [name, withFieldNames(item)]);
  for (const [name, item = null] of entries) {
    const fields = fieldsOf(item);
    if (name === undefined || fields === undefined) return undefined;
    items.push({ ...fields, name });
  }
  return items;
}

function additions(
  allowed: string,
  fieldsOf: (value: Json) => JsonObject | undefined,
  keyOf: (item: NamedObject) => Json | undefined,
  check: Check,
): Grammar<readonly NamedObject[]> {
  return {
    allowed,
    parse(text): Parsed<readonly NamedObject[]> {
      const items = byName(text, fieldsOf);
      if (items === undefined) {
        const syntax = jsonObjectOrList.parse(text);
        return { problem: 'problem' in syntax ? syntax.problem : `has another shape; allowed: ${allowed}` };
      }
      if (items.length > most) return { problem: `has ${items.length} entries, at most ${most} are allowed` };
      const problems = items.flatMap((item) => {
        const problem = check(item);
        return problem === undefined ? [] : [`${quote(item.name)} ${problem}`];
      });
      const keys = items.map(keyOf);
      const twice = keys.find((key, index) => keys.indexOf(key) !== index);
      if (twice !== undefined) problems.push(`${JSON.stringify(twice)} is there twice`);
      return problems.length > 0 ? { problem: problems.join('; ') } : { value: items };
    },
  };
}

function unexpected(item: JsonObject, known: readonly string[]): string | undefined {
  return Object.keys(item).find((field) => !known.includes(field));
}

function checkVolume(volume: NamedObject): string | undefined {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(volume.name)) return 'is no DNS label';
  if (ownVolumes.has(volume.name)) return 'is a volume of the proxy itself';
  const fields = Object.keys(volume).filter((field) => field !== 'name');
  const [source] = fields;
  if (source === undefined || fields.length > 1) return `needs one source; allowed: ${volumeSources.join(', ')}`;
  if (!volumeSources.some((allowed) => allowed === source)) {
    return `has source ${quote(source)}, which an annotation may not ask for; allowed: ${volumeSources.join(', ')}`;
  }
  if (!isObject(volume[source])) return `has a source ${quote(source)} that is no object`;
  if (source !== 'projected') return undefined;
  const parts = member(volume[source], 'sources');
  if (!Array.isArray(parts)) return 'is projected without a list of sources';
  const odd = (parts as readonly Json[]).find(
    (part) => !isObject(part) || unexpected(part, projectedSources) !== undefined,
  );
  return odd === undefined ? undefined : `projects something else than ${projectedSources.join(' and ')}`;
}

function isWithin(path: string, other: string): boolean {
  return path === other || path.startsWith(`${other}/`);
}

function checkMount(mount: NamedObject): string | undefined {
  const known = ['name', 'mountPath', 'subPath', 'readOnly'];
  const odd = unexpected(mount, known);
  if (odd !== undefined) return `has a field ${quote(odd)}; allowed: ${known.join(', ')}`;
  const { mountPath, subPath, readOnly } = mount;
  if (typeof mountPath !== 'string' || !/^(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}:]+)+$/u.test(mountPath)) {
    return 'needs a mountPath; allowed: an absolute path below / without . and ..';
  }
  if (!dataFolders.some((folder) => isWithin(mountPath, folder))) {
    return `is mounted at ${quote(mountPath)}; allowed: in or below ${dataFolders.join(', ')}`;
  }
  const own = ownPaths.find((path) => isWithin(mountPath, path) || isWithin(path, mountPath));
  if (own !== undefined) return `is mounted at ${quote(mountPath)}, where the proxy has ${own}`;
  if (
    subPath !== undefined &&
    !(typeof subPath === 'string' && /^(?!\/)(?!(?:.*\/)?\.\.(?:\/|$))[^\p{Cc}]+$/u.test(subPath))
  )
    return 'has a subPath that is absolute or leads upwards';
  return readOnly === undefined || typeof readOnly === 'boolean' ? undefined : 'has a readOnly that is no boolean';
}

function checkVariable(variable: NamedObject): string | undefined {
  if (!variableNames.test(variable.name)) return `is no variable of Envoy's; allowed: ${variableWords}`;
  const { value, valueFrom } = variable;
  const odd = unexpected(variable, ['name', 'value', 'valueFrom']);
  if (odd !== undefined) return `has a field ${quote(odd)}; allowed: name, value, valueFrom`;
  if (valueFrom === undefined) return typeof value === 'string' ? undefined : 'has a value that is no text';
  const sources = isObject(valueFrom) ? Object.keys(valueFrom) : [];
  const isOne = sources.length === 1 && valueSources.some((source) => source === sources[0]);
  return isOne && value === undefined ? undefined : `may come from one of ${valueSources.join(', ')} alone`;
}

const asObject = (value: Json): JsonObject | undefined => (isObject(value) ? value : undefined);

/** Volumes: `{"cache": {"emptyDir": {}}}`, or a list as in Kubernetes. */
export const volumeAdditions = additions(
  `JSON, name to volume source, one of ${volumeSources.join(', ')}`,
  asObject,
  ({ name }) => name,
  checkVolume,
);

/** Mounts of those volumes or the pod's: `{"cache": {"mountPath": "/cache"}}`, or a list as in Kubernetes. */
export const mountAdditions = additions(
  `JSON, volume name to mountPath, subPath and readOnly; in or below ${dataFolders.join(', ')}`,
  asObject,
  ({ mountPath }) => mountPath,
  checkMount,
);

/** Variables: `{"TZ": "Europe/Berlin"}`, or a list as in Kubernetes. */
export const variableAdditions = additions(
  `JSON, name to text, or a list of variables whose values may come from ${valueSources.join(', ')}; ${variableWords}`,
  (value) => (typeof value === 'string' ? { value } : asObject(value)),
  ({ name }) => name,
  checkVariable,
);
