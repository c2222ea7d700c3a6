import { isObject, member, objectMember, parseJson, stringMember, stringsMember } from '../../json/json.ts';
import type { Json, JsonObject } from '../../json/json.ts';
import { indexMember, readOriginals, writeOriginals, type OwnOriginals } from '../plan/pod-changes.ts';
import type { ContainerList } from '../../pod/containers.ts';

/** Entries that were added to a list of one of the pod's own containers. */
export interface RecordedEdit {
  readonly container: string;
  readonly field: 'env' | 'volumeMounts';
  /** Names of variables or paths of mounts. */
  readonly keys: readonly string[];
  /** What stood in place of the list. */
  readonly was?: 'absent' | 'null';
}

/** A container of the pod as it was, and its place. `removed` means that none of its name is in the result. */
interface RecordedContainer {
  readonly list: ContainerList;
  readonly index: number;
  readonly container: JsonObject;
  readonly removed?: true;
}

/** How to undo an injection. Everything is found by name, so that later changes by others do not interfere. */
export interface Undo {
  /** JSON Pointers of parents that were absent and that we created. */
  readonly absent: readonly string[];
  /** JSON Pointers of parents that were null and that we replaced. */
  readonly null: readonly string[];
  /** Container name -> handler (`readinessProbe`, `lifecycle/preStop`) -> original action, `{httpGet: …}`. */
  readonly probes: JsonObject;
  /** Container name -> the preStop sleep that we added, and what stood there before. */
  readonly sleeps: JsonObject;
  /** Additions to the pod's own containers. */
  readonly edits: readonly RecordedEdit[];
  /** Keys that we added. */
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
  /** Containers of the pod that were taken from their places: the user's copies of injected ones, and changed ones. */
  readonly overrides: readonly RecordedContainer[];
  /** Pull secrets that the status names although the pod had them itself. */
  readonly secrets: readonly string[];
  /** Originals of the pod's other values that were changed. */
  readonly own: OwnOriginals;
}

/** Content of the status annotation: what was injected, by which settings and version, and how to undo it. */
export interface InjectionStatus {
  readonly initContainers: readonly string[];
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly imagePullSecrets: readonly string[];
  readonly templates: readonly string[];
  /** Istio's revision; `default` without one. */
  readonly revision: string;
  readonly settingsHash: string;
  readonly version: string;
  /** Hash of what decided besides the pod (`hashInputs`); statuses of earlier versions have none. */
  readonly inputs: string | undefined;
  /** Whether the user's copies of injected containers and volumes were applied as a whole, whatever they contained. */
  readonly overruled: boolean;
  readonly undo: Undo;
}

function listed(names: readonly string[]): readonly string[] | null {
  return names.length === 0 ? null : names;
}

/** Returns the text of the annotation. As Istio's tools expect, its keys come first and their empty lists are null. */
export function writeStatus(record: InjectionStatus): string {
  const { undo } = record;
  const kept: { [key: string]: Json } = {};
  for (const key of ['absent', 'null', 'labels', 'annotations', 'secrets'] as const) {
    if (undo[key].length > 0) kept[key] = undo[key];
  }
  for (const key of ['probes', 'sleeps'] as const) {
    if (Object.keys(undo[key]).length > 0) kept[key] = undo[key];
  }
  if (undo.overrides.length > 0) kept['overrides'] = undo.overrides as unknown as Json;
  const own = writeOriginals(undo.own);
  if (own !== undefined) kept['own'] = own;
  if (undo.edits.length > 0) kept['edits'] = undo.edits as unknown as Json;
  return JSON.stringify({
    initContainers: listed(record.initContainers),
    containers: listed(record.containers),
    volumes: listed(record.volumes),
    imagePullSecrets: listed(record.imagePullSecrets),
    revision: record.revision,
    templates: record.templates,
    settingsHash: record.settingsHash,
    version: record.version,
    ...(record.inputs === undefined ? {} : { inputs: record.inputs }),
    ...(record.overruled ? { overruled: true } : {}),
    undo: kept,
  });
}

/** Returns the entries of a list as `read` takes them, or undefined if it is no list or one of them is damaged. */
function readList<T>(value: Json | undefined, read: (entry: JsonObject) => T | undefined): readonly T[] | undefined {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return undefined;
  const entries = value.map((entry: Json) => (isObject(entry) ? read(entry) : undefined));
  return entries.every((entry) => entry !== undefined) ? entries : undefined;
}

function readEdit(entry: JsonObject): RecordedEdit | undefined {
  const container = stringMember(entry, 'container');
  const field = member(entry, 'field');
  const keys = stringsMember(entry, 'keys');
  const was = member(entry, 'was');
  if (container === undefined || keys === undefined || (field !== 'env' && field !== 'volumeMounts')) return undefined;
  if (was !== undefined && was !== 'absent' && was !== 'null') return undefined;
  return { container, field, keys, ...(was === undefined ? {} : { was }) };
}

function readOverride(entry: JsonObject): Undo['overrides'][number] | undefined {
  const container = objectMember(entry, 'container');
  const list = member(entry, 'list');
  const index = indexMember(entry);
  if (container === undefined || index === undefined) return undefined;
  if (list !== 'initContainers' && list !== 'containers') return undefined;
  return { list, index, container, ...(member(entry, 'removed') === true ? { removed: true } : {}) };
}

/** Returns the lists of strings in these members, or undefined if one of them is anything else. */
function stringLists<K extends string>(object: JsonObject, keys: readonly K[]) {
  const lists: { [key in K]?: readonly string[] } = {};
  for (const key of keys) {
    const list = stringsMember(object, key);
    if (list === undefined) return undefined;
    lists[key] = list;
  }
  return lists as Record<K, readonly string[]>;
}

/** Kubernetes' limit for all annotations of an object together, in bytes. A longer text is not parsed. */
const longestStatus = 256 * 1024;

/**
 * Parses a status annotation. Undefined if it is not ours: not JSON, written by another injector, or damaged. A user
 * may write one, so it is checked against the pod before it is trusted (`status-fit.ts`).
 */
export function parseStatus(value: Json): InjectionStatus | undefined {
  if (typeof value !== 'string' || value.length > longestStatus) return undefined;
  const status = parseJson(value);
  if (!isObject(status)) return undefined;
  const undo = objectMember(status, 'undo');
  const settingsHash = stringMember(status, 'settingsHash');
  const version = stringMember(status, 'version');
  if (undo === undefined || settingsHash === undefined || version === undefined) return undefined;
  const lists = stringLists(status, ['initContainers', 'containers', 'volumes', 'imagePullSecrets', 'templates']);
  const undone = stringLists(undo, ['absent', 'null', 'labels', 'annotations', 'secrets']);
  const overrides = readList(member(undo, 'overrides'), readOverride);
  const edits = readList(member(undo, 'edits'), readEdit);
  if (!lists || !undone || !overrides || !edits) return undefined;
  return {
    ...lists,
    revision: stringMember(status, 'revision') ?? 'default',
    settingsHash,
    version,
    inputs: stringMember(status, 'inputs'),
    overruled: member(status, 'overruled') === true,
    undo: {
      ...undone,
      probes: objectMember(undo, 'probes') ?? {},
      sleeps: objectMember(undo, 'sleeps') ?? {},
      edits,
      overrides,
      own: readOriginals(objectMember(undo, 'own')),
    },
  };
}
